"""Panels of lines beside and below each other, each with its key: what pictures of trainings have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from matplotlib.lines import Line2D

from analysis.pictures.canvas import COLOURS, FAINT, GREY, INK, new_figure, png, style

_LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), "-.")
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")  # more than colours: both repeat at 42 names only
_PANEL_WIDTH, _HEIGHT = 4.6, 3.6  # inches, without the key below
_KEY_COLUMNS, _KEY_ROW = 2, 0.19  # inches


class Look(NamedTuple):
    """How the lines and markers of one name are drawn."""

    colour: str
    line: Any
    marker: str


def look(number: int) -> Look:
    """That of the name at place ``number`` of a panel."""
    return Look(*(choices[number % len(choices)] for choices in (COLOURS, _LINES, _MARKERS)))


class Panel(Protocol):
    """One pair of axes. ``names``: what the key lists; ``key_title``: a line above it."""

    @property
    def title(self) -> str: ...
    @property
    def x_label(self) -> str: ...
    @property
    def y_label(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def markers(self) -> bool: ...
    @property
    def key_title(self) -> str | None: ...
    def draw(self, axes: Any) -> None: ...


def limits(shown: Sequence[float], floor: float | None = None) -> tuple[float, float]:
    """Of a y-axis in percent: a little beyond what is ``shown``, from ``floor`` if there is one."""
    high, low = max(shown), min(shown) if floor is None else floor
    room = 0.04 * (high - low) or 1.0
    return low - (room if floor is None else 0), min(high + room, 100.0 + room / 2)


def render_panels(panels: Sequence[Panel], columns: int | None = None) -> bytes:
    """The panels as PNG, ``columns`` in a row (all of them)."""
    columns = min(columns or len(panels), len(panels))
    rows = math.ceil(len(panels) / columns)
    key = 0.35 + _KEY_ROW * max(math.ceil(len(panel.names) / _KEY_COLUMNS) for panel in panels)
    row_height = _HEIGHT + key
    width, height = columns * _PANEL_WIDTH, rows * row_height
    with style():
        figure = new_figure(width, height)
        for place, panel in enumerate(panels):
            row, column = divmod(place, columns)
            left = column * _PANEL_WIDTH + 0.62
            bottom = (rows - 1 - row) * row_height + key + 0.135 * _HEIGHT
            box = (left / width, bottom / height, (_PANEL_WIDTH - 0.8) / width, 0.755 * _HEIGHT / height)
            axes = figure.add_axes(box)
            panel.draw(axes)
            _frame(axes, panel)
        return png(figure)


def _frame(axes: Any, panel: Panel) -> None:
    axes.set_title(panel.title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    looks = [(name, look(number)) for number, name in enumerate(panel.names)]
    entries = [
        Line2D(
            [], [], color=each.colour, linestyle=each.line, linewidth=1.6,
            marker=each.marker if panel.markers else "", markersize=6, markeredgecolor="white", label=name,
        )
        for name, each in looks
    ]  # fmt: skip
    legend = axes.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(-0.02, -0.145), ncols=_KEY_COLUMNS, fontsize=8,
        frameon=False, title=panel.key_title, title_fontsize=7.5, alignment="left",
    )  # fmt: skip
    legend.get_title().set_color(GREY)
