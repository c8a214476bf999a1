"""Where the cells of a DARTS-style network stand, and their widths and sizes: known from settings alone.

The network, the NNI model space and the costs are all made from this one plan.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_space.primitives.registry import Size, strided

CELL_INPUTS = 2  # a cell sees the outputs of the two cells before it
STEM_MULTIPLIER = 3  # width of the small stem, in widths of the first cell


@dataclass(frozen=True)
class CellPlan:
    """One cell: ``channels`` of each of its nodes; its inputs' channels; the size of its second input.

    ``first_is_larger``: the first input has twice that size, because the cell before reduced.
    """

    kind: str
    channels: int
    input_channels: tuple[int, int]
    size: Size
    first_size: Size
    first_is_larger: bool

    def stride(self, source: int) -> int:
        """Of an edge from input ``source``: 0 and 1 are the cell's inputs, then come its nodes."""
        return 2 if self.kind == "reduction" and source < CELL_INPUTS else 1

    def edge_size(self, source: int) -> Size:
        """Size of the map that an edge from ``source`` takes."""
        return self.size if source < CELL_INPUTS else self.out_size

    @property
    def out_size(self) -> Size:
        return strided(self.size, 2 if self.kind == "reduction" else 1)


@dataclass(frozen=True)
class Plan:
    """A whole network: its cells, and the channels and size of what the last of them gives."""

    cells: tuple[CellPlan, ...]
    channels: int
    size: Size

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of cells that occur."""
        return tuple(k for k in ("normal", "reduction") if any(cell.kind == k for cell in self.cells))

    def given(self, position: int) -> tuple[int, Size]:
        """Channels and size of what the cell at that position gives."""
        if position == len(self.cells) - 1:
            return self.channels, self.size
        return self.cells[position + 1].input_channels[1], self.cells[position].out_size

    @property
    def stage_ends(self) -> tuple[int, ...]:
        """The last cell of each stage, from 0: those before a reduction, and the last of all."""
        before = [i - 1 for i, cell in enumerate(self.cells) if cell.kind == "reduction" and i > 0]
        return (*before, len(self.cells) - 1)

    @property
    def auxiliary_cell(self) -> int | None:
        """The cell after which an auxiliary head stands: the last reduction, as in DARTS, if there is one."""
        positions = [i for i, cell in enumerate(self.cells) if cell.kind == "reduction"]
        return positions[-1] if positions else None


@dataclass(frozen=True)
class Extent:
    """How large a network of cells is: ``width`` of a node in the first cell, number of ``cells``, and what stands
    ``after`` the last cell of each stage, a primitive or ``none``."""

    width: int
    cells: int
    after: tuple[str, ...]


def stages(cells: int) -> int:
    """Stages of a network of so many cells; each but the first begins with a reduction."""
    return len(reduction_positions(cells)) + 1


def reduction_positions(cells: int) -> tuple[int, ...]:
    """Cells that reduce, from 0: those at a third and two thirds.

    One cell does not reduce, and of two only the second: with none before the first reduction, the normal
    cell would not occur.
    """
    if cells < 3:
        return () if cells == 1 else (1,)
    return cells // 3, 2 * cells // 3


def plan_cells(width: int, cells: int, nodes: int, stem: str, size: Size) -> Plan:
    """The plan for images of ``size``.

    The ``small`` stem keeps the size and gives ``STEM_MULTIPLIER * width`` channels to both inputs of the
    first cell. The ``large`` one gives ``width`` channels at a quarter and at an eighth of the size.
    """
    if stem == "small":
        inputs, sizes = (STEM_MULTIPLIER * width,) * 2, (size, size)
    else:
        quarter = strided(strided(size, 2), 2)
        inputs, sizes = (width,) * 2, (quarter, strided(quarter, 2))
    reductions = reduction_positions(cells)
    planned = []
    first_is_larger = stem == "large"
    for position in range(cells):
        reduces = position in reductions
        width *= 2 if reduces else 1
        cell = CellPlan(
            "reduction" if reduces else "normal", width, inputs, sizes[1], sizes[0], first_is_larger
        )
        planned.append(cell)
        inputs, sizes, first_is_larger = (inputs[1], nodes * width), (sizes[1], cell.out_size), reduces
    return Plan(tuple(planned), inputs[1], sizes[1])
