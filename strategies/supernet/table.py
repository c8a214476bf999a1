"""The cost table of a space of cells."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from records.errors import UserError
from search_space import get_space
from strategies.supernet.distribution import CostTable, Node

SPACES = ("darts-global",)


def cost_table(space: str, settings: dict[str, Any], image: tuple[int, int, int], classes: int) -> CostTable:
    """MACs (not ``macs_published``) of each primitive on each edge; ``image`` is (channels, height, width).

    Raises ``UserError`` for a space that has no cells with one logit for each primitive on each edge.
    """
    if space not in SPACES:
        raise UserError(f"space is {space!r}; a one-shot search knows {', '.join(SPACES)}")
    from search_space.cells.darts_global import edge_costs

    made = get_space(space).make_settings(settings)
    costs = edge_costs(made, image, classes)
    primitives = tuple(made.primitives)
    nodes: dict[Node, Tensor] = {}
    for cell, node, source, primitive in costs.table:
        rows = nodes.setdefault((cell, node), torch.zeros(node, len(primitives), dtype=torch.float64))
        rows[source, primitives.index(primitive)] = costs.table[cell, node, source, primitive].macs
    ordered = {node: nodes[node] for node in sorted(nodes)}
    return CostTable(primitives, made.inputs, float(costs.fixed.macs), ordered)
