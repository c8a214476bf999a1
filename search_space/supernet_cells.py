"""How a one-shot search sees a problem: cells, each of whose nodes takes some pairs of an input and a primitive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pde_ops.cost import Cost

if TYPE_CHECKING:
    from torch import nn

Edge = tuple[str, int, int, str]  # a cell's name, a node, an input, a primitive


@dataclass(frozen=True)
class SupernetCells:
    """What of a problem a supernet searches; the rest, its sizes say, is fixed.

    A node of a cell takes ``chosen`` pairs (input, primitive) with different inputs; nodes are counted with their
    cell's inputs from 0. ``fixed`` is the cost of what is not searched, and ``edges`` that of each primitive on each
    edge, summed over all cells of that name. ``model(parts)`` is the supernet's NNI model space, whose primitives are
    made for 1/parts of their channels, of which there are ``width`` at least (None: for all of them alone).
    ``architecture(cells)``: the problem's architecture, by each cell's [primitive, input] pairs of its nodes.
    """

    primitives: tuple[str, ...]
    chosen: int
    fixed: Cost
    edges: Mapping[Edge, Cost]
    model: Callable[[int], nn.Module]
    architecture: Callable[[dict[str, Any]], dict[str, Any]]
    width: int | None = None
