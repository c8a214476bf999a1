"""The space ``darts-global``: DARTS' two cells, in which global layers stand beside the convolutions.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, for the cells.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from torch import nn

from pde_ops.cost import Cost
from records.checks import shown
from records.errors import UserError
from search_space.cells.darts_frame import DartsSettings, make_network
from search_space.cells.layout import CELL_INPUTS, CellPlan
from search_space.cells.network import Cell, frame_cost
from search_space.primitives.registry import primitive_cost
from search_space.problem import Problem
from search_space.space import Choices, Decision, Space, get_space, register_space

Edge = tuple[
    str, int, int, str
]  # kind of cell, node (counted with the cell's inputs, from 0), input, primitive


@register_space
class DartsGlobalSpace(Space):
    """``darts-global``. Its architecture: by kind of cell, per node its [primitive, input] pairs.

    Inputs 0 and 1 are the outputs of the two cells before, the last one being 1; 2 is the cell's first node.
    A node's pairs are sorted by input, then primitive. Both may take the same input. With one cell there is
    only ``normal``.
    """

    name = "darts-global"
    Settings = DartsSettings

    def decisions(self, problem: Problem) -> list[Decision]:
        settings: DartsSettings = self.settings_of(problem)
        decisions = []
        for label, node in _places(settings):
            decisions.append(Decision(label("op"), settings.primitives))
            decisions.append(Decision(label("input"), tuple(range(node))))
        return decisions

    def assemble(self, problem: Problem, choices: Choices) -> dict[str, Any]:
        cells: dict[str, list[list[list[Any]]]] = {}
        for label, node in _places(self.settings_of(problem)):
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

    def choices(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, Any]:
        settings: DartsSettings = self.settings_of(problem)
        kinds = _kinds(settings)
        if set(architecture) != set(kinds):
            raise UserError(
                f"architecture has the cells {shown(', '.join(architecture))[1:-1]}; accepted with "
                f"{settings.cells} cells: {', '.join(kinds)}"
            )
        choices: dict[str, Any] = {}
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
                    place = f"{node}_{position}"
                    choices[f"{kind}/op_{place}"], choices[f"{kind}/input_{place}"] = pair
        return choices

    def build(self, problem: Problem, architecture: dict[str, Any]) -> nn.Module:
        settings = self.settings_of(problem)
        return make_network(settings, problem, lambda cell: Cell(cell, architecture[cell.kind]))

    def cost(self, problem: Problem, architecture: dict[str, Any]) -> Cost:
        settings: DartsSettings = self.settings_of(problem)
        total = _frame_cost(problem)
        for cell in settings.plan(problem.image).cells:
            for pairs in architecture[cell.kind]:
                for primitive, source in pairs:
                    total += _edge_cost(cell, source, primitive)
        return total

    def model_space(self, problem: Problem) -> nn.Module:
        from search_space.cells.model_space import DartsGlobal  # importing NNI takes seconds

        return DartsGlobal(problem=self.completed(problem).to_json())

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


def edge_costs(problem: Problem) -> EdgeCosts:
    """The costs of all networks of a problem of this space, as sums over edges."""
    settings: DartsSettings = get_space(problem.space).settings_of(problem)
    table: dict[Edge, Cost] = {}
    for cell in settings.plan(problem.image).cells:
        for node in range(CELL_INPUTS, CELL_INPUTS + settings.nodes):
            for source in range(node):
                for primitive in settings.primitives:
                    edge = (cell.kind, node, source, primitive)
                    table[edge] = table.get(edge, Cost()) + _edge_cost(cell, source, primitive)
    return EdgeCosts(_frame_cost(problem), table)


def _edge_cost(cell: CellPlan, source: int, primitive: str) -> Cost:
    return primitive_cost(primitive, cell.channels, cell.stride(source), cell.edge_size(source))


@functools.lru_cache(maxsize=256)
def _frame_cost(problem: Problem) -> Cost:
    settings: DartsSettings = get_space(problem.space).settings_of(problem)
    planned = settings.plan(problem.image)
    return frame_cost(planned, problem, stem=settings.stem, width=settings.width)


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
