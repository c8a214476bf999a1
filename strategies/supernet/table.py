"""The cost table of a supernet's cells."""

from __future__ import annotations

import torch
from torch import Tensor

from search_space.supernet_cells import SupernetCells
from strategies.supernet.distribution import CostTable, Node


def cost_table(cells: SupernetCells) -> CostTable:
    """MACs (not ``macs_published``) and parameters of each primitive on each edge."""
    macs: dict[Node, Tensor] = {}
    params: dict[Node, Tensor] = {}
    for cell, node in sorted({edge[:2] for edge in cells.edges}):
        sources = sorted({edge[2] for edge in cells.edges if edge[:2] == (cell, node)})
        costs = [[cells.edges[cell, node, source, p] for p in cells.primitives] for source in sources]
        macs[cell, node] = _tensor([[cost.macs for cost in row] for row in costs])
        params[cell, node] = _tensor([[cost.params for cost in row] for row in costs])
    fixed = cells.fixed
    return CostTable(cells.primitives, cells.chosen, float(fixed.macs), macs, float(fixed.params), params)


def _tensor(rows: list[list[int]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)
