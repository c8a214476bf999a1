"""What is fixed of a network of ``darts-global``: its settings, and the network around its cells."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from records.checks import flag, one_of, whole_number
from records.options import option
from search_space.cells.layout import CELL_INPUTS, CellPlan, Plan, plan_cells
from search_space.cells.network import CellNetwork
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

    width: int = option(16, "channels of a node in the first cell", unit="channels")
    cells: int = option(8, "cells one after the other; those at 1/3 and 2/3 reduce", unit="cells")
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

    def __post_init__(self) -> None:
        for name, high in (("width", 4096), ("cells", 200), ("nodes", 32), ("inputs", CELL_INPUTS)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1, high))
        one_of("stem", self.stem, STEMS)
        flag("auxiliary", self.auxiliary)
        object.__setattr__(self, "primitives", some_primitives("primitives", self.primitives))

    def plan(self, image: Image) -> Plan:
        """The network's cells for such images."""
        return _plan(self, image[1:])


@functools.lru_cache(maxsize=256)
def _plan(settings: DartsSettings, size: tuple[int, int]) -> Plan:
    return plan_cells(settings.width, settings.cells, settings.nodes, settings.stem, size)


def make_network(
    settings: DartsSettings, problem: Problem, make_cell: Callable[[CellPlan], nn.Module]
) -> CellNetwork:
    """The network of ``problem``, whose settings are ``settings``, with the cells that ``make_cell`` makes."""
    return CellNetwork(
        settings.plan(problem.image), make_cell, stem=settings.stem, width=settings.width,
        in_channels=problem.image[0], classes=problem.classes, auxiliary=settings.auxiliary,
    )  # fmt: skip
