"""Draws an architecture's decisions as a table: a row for each stage, a column for each kind of decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.pictures.canvas import COLOURS, DPI, FAINT, GREY, INK, new_figure
from records.text import shortened
from search_space.contents import GLOBAL_PREFIX

_ROW, _MARGIN, _GAP = 0.27, 0.15, 0.35  # inches
_LONGEST = 60  # letters of a cell


@dataclass(frozen=True)
class DecisionTable:
    """What the table says. Cells are text; a place without such a decision has an empty one."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def decision_tables(architecture: Mapping[str, Any]) -> list[DecisionTable]:
    """Decisions for the whole network, and those of its stages; either may be absent."""
    whole = {name: value for name, value in architecture.items() if not isinstance(value, Mapping)}
    stages = {name: value for name, value in architecture.items() if isinstance(value, Mapping)}
    found = []
    if whole:
        rows = tuple((_text(name), _text(value)) for name, value in whole.items())
        found.append(DecisionTable(("decision", "choice"), rows))
    if stages:
        kinds = tuple(dict.fromkeys(kind for stage in stages.values() for kind in stage))
        found.append(
            DecisionTable(
                ("stage", *map(_text, kinds)),
                tuple(
                    (_text(name), *(_text(stage[kind]) if kind in stage else "" for kind in kinds))
                    for name, stage in stages.items()
                ),
            )
        )
    return found


def table_figure(title: str, tables: Sequence[DecisionTable]) -> Figure:
    """The tables under each other. Call it within ``canvas.style()``."""
    widths = [_column_widths(table) for table in tables]
    title_width = _width(title, 10, "bold")
    width = max([title_width, *(sum(one) + _GAP * (len(one) - 1) for one in widths)]) + 2 * _MARGIN
    height = 0.45 + sum(_ROW * (len(table.rows) + 1) for table in tables) + 0.2 * len(tables)
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    axes.text(_MARGIN, height - 0.15, title, va="top", fontsize=10, fontweight="bold")
    y = height - 0.6
    for table, columns in zip(tables, widths, strict=True):
        for number, row in enumerate((table.columns, *table.rows)):
            axes.plot(
                [_MARGIN, width - _MARGIN], [y - _ROW / 2] * 2, color=FAINT if number else GREY, linewidth=0.7
            )
            x = _MARGIN
            for cell, column in zip(row, columns, strict=True):
                strong = number > 0 and GLOBAL_PREFIX in cell
                axes.text(
                    x, y, cell, va="center", fontsize=8.5, fontweight="bold" if strong else "normal",
                    color=COLOURS[1] if strong else INK if number else GREY,
                )  # fmt: skip
                x += column + _GAP
            y -= _ROW
        y -= 0.2
    return figure


def _text(value: Any) -> str:
    return shortened(" ".join(str(value).split()), _LONGEST)


def _column_widths(table: DecisionTable) -> list[float]:
    """Inches that each column needs; cells are measured in bold, the widest they get."""
    return [
        max(_width(cell, 8.5, "bold") for cell in column)
        for column in zip(table.columns, *table.rows, strict=True)
    ]


def _width(text: str, size: float, weight: str) -> float:
    figure = new_figure(1, 1)
    drawn: Text = figure.text(0, 0, text, fontsize=size, fontweight=weight)
    return float(drawn.get_window_extent(figure.canvas.get_renderer()).width) / DPI  # type: ignore[attr-defined]
