"""What is fixed of a network of ``darts-global``: its settings, and the network around its cells."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from records.checks import flag, one_of, shown, whole_number
from records.errors import UserError
from records.options import option
from search_space.cells import USUAL_EXTENT
from search_space.cells.layout import CELL_INPUTS, CellPlan, Extent, Plan, plan_cells, stages
from search_space.cells.network import CellNetwork
from search_space.primitives.none import NONE
from search_space.primitives.registry import primitive_names, some_primitives
from search_space.problem import Image, Problem

DEFAULT_PRIMITIVES = (
    "skip_connect", "max_pool_3x3", "avg_pool_3x3",
    "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
    "global_1", "global_3", "global_5",
    "global_constant_diffusivity_3", "global_diffusion_3", "global_advection_3",
)  # fmt: skip
# The other steps of the last three are registered too; a supernet pays for each primitive on every edge.
STEMS = ("small", "large")


@dataclass(frozen=True)
class DartsSettings:
    """What is fixed while the two cells are searched."""

    width: int | tuple[int, ...] = option(
        USUAL_EXTENT["width"],
        "channels of a node in the first cell; of several, one is chosen",
        unit="channels",
    )
    cells: int | tuple[int, ...] = option(
        USUAL_EXTENT["cells"],
        "cells one after the other, of which those at 1/3 and 2/3 reduce; of several, one is chosen",
        unit="cells",
    )
    nodes: int = option(4, "intermediate nodes of a cell", unit="nodes")
    inputs: int = option(2, "edges that a node sums", unit="edges")
    stem: str = option(
        "small",
        "small: a 3x3 convolution; large: three with stride 2, for ImageNet's sizes",
        choices=lambda: STEMS,
    )
    auxiliary: bool = option(False, "a second classifier after the last reduction, while training")
    primitives: tuple[str, ...] = option(
        DEFAULT_PRIMITIVES, "what an edge chooses among", choices=primitive_names
    )
    after: tuple[str, ...] = option(
        (NONE,),
        "what may stand after the last cell of each stage, in place of more cells: none, or primitives such as global_3",
    )

    def __post_init__(self) -> None:
        for name, high in (("nodes", 32), ("inputs", CELL_INPUTS)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1, high))
        for name, high in (("width", 4096), ("cells", 200)):
            object.__setattr__(self, name, _one_or_several(name, getattr(self, name), high))
        one_of("stem", self.stem, STEMS)
        flag("auxiliary", self.auxiliary)
        object.__setattr__(self, "primitives", some_primitives("primitives", self.primitives))
        object.__setattr__(self, "after", some_primitives("after", self.after))

    @property
    def widths(self) -> tuple[int, ...]:
        return self.width if isinstance(self.width, tuple) else (self.width,)

    @property
    def lengths(self) -> tuple[int, ...]:
        """What the number of cells is chosen from."""
        return self.cells if isinstance(self.cells, tuple) else (self.cells,)

    @functools.cached_property
    def sized(self) -> bool:
        """Whether the networks' extent is searched."""
        return max(map(len, (self.widths, self.lengths, self.after))) > 1

    def extent(self) -> Extent:
        """That of every network. Raises ``UserError`` where it is searched."""
        for name in ("width", "cells", "after") if self.sized else ():
            if isinstance(value := getattr(self, name), tuple) and len(value) > 1:
                text = ", ".join(map(str, value))
                raise UserError(
                    f"{name} is {text}; accepted here: one value, a supernet of cells has one size"
                )
        length = self.lengths[0]
        return Extent(self.widths[0], length, self.after[:1] * stages(length))

    def plan(self, image: Image, extent: Extent | None = None) -> Plan:
        """The cells of a network of that extent, by default that of every network, for such images."""
        return _plan(self.nodes, self.stem, extent or self.extent(), image[1:])


def _one_or_several(name: str, value: object, high: int) -> int | tuple[int, ...]:
    """A whole number, also where it is the only one of a list; or several different ones."""
    if not isinstance(value, (list, tuple)):
        return whole_number(name, value, 1, high)
    numbers = tuple(whole_number(name, each, 1, high) for each in value)
    if not numbers or len(set(numbers)) != len(numbers):
        raise UserError(f"{name} is {shown(value)}; accepted: a whole number, or a list of different ones")
    return numbers if len(numbers) > 1 else numbers[0]


@functools.lru_cache(maxsize=4096)
def _plan(nodes: int, stem: str, extent: Extent, size: tuple[int, int]) -> Plan:
    return plan_cells(extent.width, extent.cells, nodes, stem, size)


def make_network(
    settings: DartsSettings, problem: Problem, extent: Extent, make_cell: Callable[[CellPlan], nn.Module]
) -> CellNetwork:
    """The network of ``problem``, whose settings are ``settings``, of that extent, with the cells that ``make_cell``
    makes."""
    return CellNetwork(
        settings.plan(problem.image, extent), make_cell, stem=settings.stem, width=extent.width,
        in_channels=problem.image[0], classes=problem.classes, auxiliary=settings.auxiliary, after=extent.after,
    )  # fmt: skip
