"""The cost table of a space of cells."""

from __future__ import annotations

import torch
from torch import Tensor

from records.errors import UserError
from search_space import Problem, get_space
from strategies.supernet.distribution import CostTable, Node

SPACES = ("darts-global",)


def cost_table(problem: Problem) -> CostTable:
    """MACs (not ``macs_published``) of each primitive on each edge.

    Raises ``UserError`` for a space that has no cells with one logit for each primitive on each edge.
    """
    if problem.space not in SPACES:
        raise UserError(f"space is {problem.space!r}; a one-shot search knows {', '.join(SPACES)}")
    from search_space.cells.darts_global import edge_costs

    costs = edge_costs(problem)
    settings = get_space(problem.space).settings_of(problem)
    primitives = tuple(settings.primitives)
    nodes: dict[Node, Tensor] = {}
    for cell, node, source, primitive in costs.table:
        rows = nodes.setdefault((cell, node), torch.zeros(node, len(primitives), dtype=torch.float64))
        rows[source, primitives.index(primitive)] = costs.table[cell, node, source, primitive].macs
    ordered = {node: nodes[node] for node in sorted(nodes)}
    return CostTable(primitives, settings.inputs, float(costs.fixed.macs), ordered)
