"""How a plane is laid over the threads of a Triton program: arithmetic alone, no triton needed.

A warp's 32 lanes hold columns, a thread's registers hold ``rows`` consecutive rows of them, and ``groups``
threads in a column share its rows. So a neighbour along the rows is another register of the same thread
(except at the edge of a group), and a neighbour along the columns is one warp shuffle away:

    plane (8, 8)    lane = (plane 0-3, column 0-7), each thread the 8 rows of its column
    plane (16, 16)  lane = (group 0-1, column 0-15), 8 rows each: a plane a warp
    plane (32, 32)  lane = column, warp = group 0-3 of 8 rows: a plane a program of 4 warps

Rows rather than columns lie in registers because a load of one row is then coalesced as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

LANES = 32
MAX_WARPS = 32
REGISTERS = 65536
THREAD_REGISTERS = 255
SPARE_REGISTERS = 12
SPILLED = 1.25  # a quarter more than there is may spill to the first-level cache


@dataclass(frozen=True)
class Plan:
    """A program's tile of whole planes, and the stencil's reach in it.

    Attributes:
        height, width: of a plane.
        dx, dy: distance to the neighbour along the rows and along the columns.
        periodic: the boundary; False is zero-flux.
        rows: consecutive rows in a thread's registers.
        last: rows of the last group, the rest of the height.
        columns: columns in a thread's registers, width / columns apart.
        groups: threads along a column.
        padded: groups rounded up to a power of two.
        lanes: lanes set aside for a row, a power of two.
        planes: planes of a program.
        warps: warps of a program; a tile has the shape (warps, 32).
        across: a column's groups are in different warps (True) or in one warp (False).
    """

    height: int
    width: int
    dx: int
    dy: int
    periodic: bool
    rows: int
    last: int
    columns: int
    groups: int
    padded: int
    lanes: int
    planes: int
    warps: int
    across: bool

    @property
    def cells(self) -> int:
        """Cells in the registers of one thread."""
        return self.rows * self.columns

    @property
    def busy(self) -> float:
        """The part of all registers of a field that hold a cell."""
        cells = self.warps * LANES * self.cells
        return self.planes * self.height * self.width / cells


def power_of_two(n: int) -> int:
    """The smallest power of two that is at least ``n`` >= 1."""
    return 1 << (n - 1).bit_length()


def on_chip_plan(
    height: int, width: int, dx: int, dy: int, periodic: bool, *, cells: int, registers: int, warps: int = 4
) -> Plan | None:
    """The plan for planes (height, width); None where no plan keeps them on the chip.

    Args:
        cells: cells of a thread to aim at.
        registers: how many a cell takes.
        warps: warps of a program whose planes are each within one warp.
    """
    columns = -(-width // LANES)
    if width % columns:
        return None
    lanes = power_of_two(width // columns)
    plans = []
    for rows in range(1, height + 1):
        groups = -(-height // rows)
        last = height - (groups - 1) * rows
        padded = power_of_two(groups)
        across = padded * lanes > LANES
        count = max(2, padded * lanes // LANES) if across else warps
        needed = rows * columns * registers + SPARE_REGISTERS
        limit = SPILLED * min(THREAD_REGISTERS, REGISTERS // (count * LANES))
        fits = needed <= limit and count <= MAX_WARPS
        if fits and (groups == 1 or dx <= last):
            planes = count * LANES // (padded * lanes)
            plans.append(
                Plan(
                    height, width, dx, dy, periodic,
                    rows, last, columns, groups, padded, lanes, planes, count, across,
                )
            )  # fmt: skip
    return min(plans, key=lambda plan: _cost(plan, cells), default=None)


def _cost(plan: Plan, cells: int) -> float:
    """Relative time of a cell: idle lanes, registers above the aim, edges of small groups, barriers."""
    return (max(1.0, plan.cells / cells) + 0.25 * cells / plan.cells + 0.2 * plan.across) / plan.busy
