"""The space ``darts-global``: DARTS' two cells, in which global layers stand beside the convolutions.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, for the cells.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from pde_ops.cost import Cost
from records.checks import flag, one_of, shown, whole_number
from records.errors import UserError
from search_space.cells.layout import CELL_INPUTS, CellPlan, Plan, plan
from search_space.cells.network import Cell, CellNetwork, frame_cost
from search_space.genotype import Genotype
from search_space.primitives.registry import primitive_cost, some_primitives
from search_space.space import Choices, Decision, Image, Space, register_space

DEFAULT_PRIMITIVES = (
    "skip_connect", "max_pool_3x3", "avg_pool_3x3",
    "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
    "global_1", "global_3", "global_5",
    "global_constant_diffusivity_3", "global_diffusion_3", "global_advection_3",
)  # fmt: skip
# The other steps of the last three are registered too; a supernet pays for each primitive on every edge.
STEMS = ("small", "large")
Edge = tuple[
    str, int, int, str
]  # kind of cell, node (counted with the cell's inputs, from 0), input, primitive


@dataclass(frozen=True)
class DartsSettings:
    """What is fixed while the two cells are searched."""

    width: int = field(
        default=16, metadata={"help": "channels of a node in the first cell", "unit": "channels"}
    )
    cells: int = field(
        default=8,
        metadata={"help": "cells one after the other; those at 1/3 and 2/3 reduce", "unit": "cells"},
    )
    nodes: int = field(default=4, metadata={"help": "intermediate nodes of a cell", "unit": "nodes"})
    inputs: int = field(default=2, metadata={"help": "edges that a node sums", "unit": "edges"})
    stem: str = field(
        default="small",
        metadata={
            "help": "small: a 3x3 convolution; large: three with stride 2, for ImageNet's sizes",
            "choices": STEMS,
        },
    )
    auxiliary: bool = field(
        default=False, metadata={"help": "a second classifier after the last reduction, while training"}
    )
    primitives: tuple[str, ...] = field(
        default=DEFAULT_PRIMITIVES, metadata={"help": "what an edge chooses among"}
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
    return plan(settings.width, settings.cells, settings.nodes, settings.stem, size)


@register_space
class DartsGlobalSpace(Space):
    """``darts-global``. Its architecture: by kind of cell, per node its [primitive, input] pairs.

    Inputs 0 and 1 are the outputs of the two cells before, the last one being 1; 2 is the cell's first node.
    A node's pairs are sorted by input, then primitive. Both may take the same input. With one cell there is
    only ``normal``.
    """

    name = "darts-global"
    Settings = DartsSettings

    def decisions(self, settings: DartsSettings, image: Image, classes: int) -> list[Decision]:
        found = []
        for label, node in _places(settings):
            found.append(Decision(label("op"), settings.primitives))
            found.append(Decision(label("input"), tuple(range(node))))
        return found

    def assemble(self, settings: DartsSettings, choices: Choices) -> dict[str, Any]:
        cells: dict[str, list[list[list[Any]]]] = {}
        for label, node in _places(settings):
            nodes = cells.setdefault(label("op").split("/")[0], [])
            while len(nodes) <= node - CELL_INPUTS:
                nodes.append([])
            chosen = choices[label("input")]
            source = chosen[0] if isinstance(chosen, (list, tuple)) else chosen  # NNI gives [0] for 0
            nodes[-1].append([choices[label("op")], source])
        for nodes in cells.values():
            for pairs in nodes:
                pairs.sort(key=lambda pair: (pair[1], pair[0]))
        return cells

    def choices(self, settings: DartsSettings, architecture: dict[str, Any]) -> dict[str, Any]:
        kinds = _kinds(settings)
        if set(architecture) != set(kinds):
            raise UserError(
                f"architecture has the cells {shown(', '.join(architecture))[1:-1]}; accepted with "
                f"{settings.cells} cells: {', '.join(kinds)}"
            )
        found: dict[str, Any] = {}
        for kind in kinds:
            nodes = _list(architecture[kind], settings.nodes, f"cell {kind}", "nodes")
            for node, pairs in enumerate(nodes, start=CELL_INPUTS):
                edges = _list(
                    pairs, settings.inputs, f"node {node} of cell {kind}", "[primitive, input] pairs"
                )
                for position, pair in enumerate(edges):
                    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                        raise UserError(
                            f"edge {position} of node {node} of cell {kind} is {shown(pair)}; accepted: "
                            "[primitive, input]"
                        )
                    found[f"{kind}/op_{node}_{position}"], found[f"{kind}/input_{node}_{position}"] = pair
        return found

    def build(self, genotype: Genotype) -> nn.Module:
        settings = self.make_settings(genotype.settings)
        architecture = genotype.architecture
        return make_network(
            settings, genotype.image, genotype.classes, lambda cell: Cell(cell, architecture[cell.kind])
        )

    def cost(self, genotype: Genotype) -> Cost:
        settings = self.make_settings(genotype.settings)
        total = _frame_cost(settings, genotype.image, genotype.classes)
        for cell in settings.plan(genotype.image).cells:
            for pairs in genotype.architecture[cell.kind]:
                for primitive, source in pairs:
                    total += _edge_cost(cell, source, primitive)
        return total

    def model_space(self, settings: DartsSettings, image: Image, classes: int) -> nn.Module:
        from search_space.cells.model_space import DartsGlobal  # importing NNI takes seconds

        return DartsGlobal(settings=self.settings_json(settings), image=list(image), classes=classes)

    def to_nni(self, choices: Choices) -> dict[str, Any]:
        """NNI's cells choose a list of inputs that has one member."""
        return {
            label: [o] if label.rpartition("/")[2].startswith("input") else o for label, o in choices.items()
        }


@dataclass(frozen=True)
class EdgeCosts:
    """Costs for one image: ``fixed`` of what is not decided, and of each possible edge, summed over all cells
    of its kind. A network's cost is ``fixed`` and the sum over its edges."""

    fixed: Cost
    table: dict[Edge, Cost]


def edge_costs(settings: DartsSettings, image: Image, classes: int) -> EdgeCosts:
    """The costs of all networks of the space with these settings, as sums over edges."""
    table: dict[Edge, Cost] = {}
    for cell in settings.plan(image).cells:
        for node in range(CELL_INPUTS, CELL_INPUTS + settings.nodes):
            for source in range(node):
                for primitive in settings.primitives:
                    edge = (cell.kind, node, source, primitive)
                    table[edge] = table.get(edge, Cost()) + _edge_cost(cell, source, primitive)
    return EdgeCosts(_frame_cost(settings, image, classes), table)


def make_network(settings: DartsSettings, image: Image, classes: int, make_cell: Any) -> CellNetwork:
    return CellNetwork(
        settings.plan(image), make_cell, stem=settings.stem, width=settings.width, in_channels=image[0],
        classes=classes, auxiliary=settings.auxiliary,
    )  # fmt: skip


def _edge_cost(cell: CellPlan, source: int, primitive: str) -> Cost:
    return primitive_cost(primitive, cell.channels, cell.stride(source), cell.edge_size(source))


@functools.lru_cache(maxsize=256)
def _frame_cost(settings: DartsSettings, image: Image, classes: int) -> Cost:
    planned = settings.plan(image)
    return frame_cost(planned, stem=settings.stem, width=settings.width, image=image, classes=classes)


def _kinds(settings: DartsSettings) -> tuple[str, ...]:
    return settings.plan((1, 1, 1)).kinds


def _places(settings: DartsSettings) -> list[tuple[Any, int]]:
    """For each edge that is decided, in order: what makes its labels, and its node."""
    return [
        (lambda what, k=kind, n=node, p=position: f"{k}/{what}_{n}_{p}", node)
        for kind in _kinds(settings)
        for node in range(CELL_INPUTS, CELL_INPUTS + settings.nodes)
        for position in range(settings.inputs)
    ]


def _list(value: Any, length: int, what: str, members: str) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) != length:
        raise UserError(f"{what} is {shown(value)}; accepted: a list of {length} {members}")
    return list(value)
