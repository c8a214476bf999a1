"""A drawing of an architecture: its cells as graphs, or for other families its decisions as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from analysis.pictures.canvas import COLOURS, GREY, INK, new_figure, png, save, style, svg
from analysis.pictures.drawing_table import GLOBAL_PREFIX, decision_tables, table_figure
from records.text import shortened
from search_space.genotype import Genotype

CELL_INPUTS = ("before", "last")  # the outputs of the two cells before this one
_ROW, _BOX = 0.5, (1.95, 0.3)  # inches
_SIZE = "size"  # holds a genotype's extent where it was searched
_LONGEST = 31  # letters of a primitive's name in a box


@dataclass(frozen=True)
class Operation:
    """An edge of a cell: what it computes, from which state, for which node (both numbered from the cell's
    inputs), and whether it solves the PDE."""

    primitive: str
    source: int
    node: int

    @property
    def is_global(self) -> bool:
        return self.primitive.startswith(GLOBAL_PREFIX)


def cell_operations(nodes: list[list[list[Any]]]) -> list[Operation]:
    """The operations of a cell of a genotype, node by node."""
    return [
        Operation(str(primitive), int(source), node)
        for node, pairs in enumerate(nodes, start=len(CELL_INPUTS))
        for primitive, source in pairs
    ]


def draw_genotype(genotype: Genotype, path: str | Path) -> Path:
    """Writes the drawing as PNG or SVG, by the name's ending. Raises `UserError`."""
    with style():
        return save(_figure(genotype), path)


def drawing_png(genotype: Genotype) -> bytes:
    """The drawing as PNG; equal genotypes give equal bytes."""
    with style():
        return png(_figure(genotype))


def drawing_svg(genotype: Genotype) -> bytes:
    """The drawing as SVG; equal genotypes give equal bytes."""
    with style():
        return svg(_figure(genotype))


def _figure(genotype: Genotype) -> Figure:
    architecture = genotype.architecture
    cells = {name: cell_operations(nodes) for name, nodes in architecture.items() if isinstance(nodes, list)}
    if cells.keys() == architecture.keys() - {_SIZE}:
        return _cells_figure(genotype, cells)
    return table_figure(_title(genotype), decision_tables(architecture))


def _cells_figure(genotype: Genotype, cells: Mapping[str, list[Operation]]) -> Figure:
    rows = max(len(operations) for operations in cells.values())
    width, height = 5.4 * len(cells) + 0.3, _ROW * rows + 1.55
    figure = new_figure(width, height)
    figure.text(0.15 / width, 1 - 0.2 / height, _title(genotype), va="top", fontsize=10, fontweight="bold")
    for number, (name, operations) in enumerate(cells.items()):
        axes = figure.add_axes((number / len(cells), 0, 1 / len(cells), 1 - 0.5 / height))
        _draw_cell(axes, name, operations, width / len(cells), height - 0.5)
    return figure


def _draw_cell(axes: Axes, name: str, operations: list[Operation], width: float, height: float) -> None:
    """Operations stand in rows; on their left the state each takes, on their right the node it is added to."""
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    axes.text(0.15, height - 0.15, f"{name} cell", va="center", fontsize=10, color=GREY)
    note = (
        "before, last: the two cells before. A node is the sum of its operations; the cell gives all nodes."
    )
    axes.text(0.15, 0.2, note, va="center", fontsize=6.5, color=GREY)
    nodes = sorted({operation.node for operation in operations})
    left, middle, right = 0.62, width / 2 + 0.05, width - 0.55
    top = height - 0.6
    heights = {id(operation): top - _ROW * row for row, operation in enumerate(operations)}
    of_node = {n: [heights[id(o)] for o in operations if o.node == n] for n in nodes}
    node_height = {n: sum(values) / len(values) for n, values in of_node.items()}
    states = sorted({operation.source for operation in operations})
    spread = (top - min(heights.values())) / max(len(states) - 1, 1)
    state_height = {state: top - spread * place for place, state in enumerate(states)}
    for operation in operations:
        y = heights[id(operation)]
        colour = COLOURS[1] if operation.is_global else GREY
        source = state_height[operation.source]
        _arrow(axes, (left + 0.36, source), (middle - _BOX[0] / 2, y), colour)
        _arrow(axes, (middle + _BOX[0] / 2, y), (right - 0.3, node_height[operation.node]), colour)
        _box(axes, (middle, y), _BOX, shortened(operation.primitive, _LONGEST), operation.is_global)
    for state, y in state_height.items():
        _box(axes, (left, y), (0.72, 0.3), _state_name(state), False)
    for node, y in node_height.items():
        _box(axes, (right, y), (0.6, 0.3), _state_name(node), False)


def _state_name(state: int) -> str:
    return CELL_INPUTS[state] if state < len(CELL_INPUTS) else f"node {state - len(CELL_INPUTS)}"


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=8, linewidth=0.9, color=colour, alpha=0.8,
            shrinkA=0, shrinkB=1,
        )
    )  # fmt: skip


def _box(axes: Axes, centre: tuple[float, float], size: tuple[float, float], text: str, strong: bool) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (centre[0] - size[0] / 2, centre[1] - size[1] / 2), *size,
            boxstyle="round,pad=0,rounding_size=0.06", linewidth=1.4 if strong else 0.8,
            facecolor="#fdf0e6" if strong else "white", edgecolor=COLOURS[1] if strong else GREY, zorder=3,
        )
    )  # fmt: skip
    axes.text(*centre, text, ha="center", va="center", fontsize=7.5, color=INK, zorder=4)


def _title(genotype: Genotype) -> str:
    known = {**genotype.settings, **genotype.architecture.get(_SIZE, {})}
    settings = {name: known[name] for name in ("width", "cells") if isinstance(known.get(name), int)}
    after = [name for name in known.get("after", ()) if name != "none"]
    if after:
        settings["after its stages"] = " / ".join(known["after"])
    described = ", ".join(f"{name} {value}" for name, value in settings.items())
    return genotype.space + (f" ({described})" if described else "")
