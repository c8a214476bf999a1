"""The distribution over cells that a one-shot search's architecture weights stand for.

A node takes ``n`` pairs (input, primitive) with different inputs. The architecture weights of the edge
from input j to node i are a row of K + 1 logits: the K primitives, and last "none", the edge left out. With
p their softmax, a node's pairs S have the probability

    P(S)  proportional to  product of p[j, k] over the pairs (j, k) in S,      inputs all different,

which is what drawing n pairs by p again and again until their inputs differ would give; nodes are
independent. Everything here is of this one distribution: what is derived is its most probable cell (the rule
of DARTS, Liu et al. 2019, section 2.4: the n strongest edges, each with its strongest primitive), expected
MACs are its mean, and further candidates are drawn from it. Where the softmax is one-hot, the derived cell
has probability one and the expected MACs are exactly its MACs.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pde_ops.cost import Cost
from strategies.budget import UNLIMITED, Budget

Node = tuple[str, int]  # the cell's name, and the node's number, counted with the cell's inputs from 0
Architecture = dict[str, list[list[list]]]  # by cell: per node its [primitive, input] pairs, by input
_DRAWS, _DOUBLINGS, _HALVINGS = 100, 60, 30
_WEIGHTS = (0.5, 0.9, 0.1, 1.0, 0.0)  # of MACs beside parameters, one after the other
_LEAST = 1e-30  # a probability below this counts as this, so that a node always has n edges to choose from


@dataclass(frozen=True)
class CostTable:
    """MACs of one image: ``fixed`` of what is not searched, and ``nodes[node][j, k]`` of the edge from input
    j with primitive k, summed over all cells of that name; each (E, K) in float64. ``chosen``: pairs a node.
    ``fixed_params`` and ``params``: the same of parameters, where they are known.
    """

    primitives: tuple[str, ...]
    chosen: int
    fixed: float
    nodes: Mapping[Node, Tensor]
    fixed_params: float = 0.0
    params: Mapping[Node, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node, costs in self.nodes.items():
            if costs.shape[1:] != (len(self.primitives),) or len(costs) < self.chosen:
                raise ValueError(
                    f"costs of node {node} have shape {tuple(costs.shape)}; {self.chosen} or more edges by "
                    f"{len(self.primitives)} primitives are needed"
                )

    def macs(self, architecture: Architecture) -> float:
        """MACs of the network with these cells."""
        return self.fixed + self._sum(self.nodes, architecture)

    def cost(self, architecture: Architecture) -> Cost:
        """MACs and parameters of the network with these cells; ``macs_published`` is not in the table, and is 0."""
        params = self.fixed_params + (self._sum(self.params, architecture) if self.params else 0.0)
        return Cost(params=round(params), macs=round(self.macs(architecture)), macs_published=0)

    def _sum(self, of: Mapping[Node, Tensor], architecture: Architecture) -> float:
        return math.fsum(
            float(of[node][source, self.primitives.index(primitive)])
            for node, pairs in self.pairs(architecture)
            for primitive, source in pairs
        )

    def shares(self, budget: Budget, weight: float) -> dict[Node, Tensor]:
        """What each edge takes of ``budget``: ``weight`` times its share of the MACs, and one less that of the
        parameters'."""
        limits = ((self.nodes, budget.max_macs, weight), (self.params, budget.max_params, 1 - weight))
        return {
            node: sum(
                (part * of[node] / limit for of, limit, part in limits if limit), torch.zeros_like(costs)
            )
            for node, costs in self.nodes.items()
        }

    def smallest(self) -> float:
        """MACs of the cheapest network of all."""
        cheapest = (costs.amin(1).sort().values[: self.chosen].sum() for costs in self.nodes.values())
        return self.fixed + float(sum(cheapest))

    def architecture(self, sample: Mapping[str, Any]) -> Architecture:
        """That of a sample of NNI's: a primitive by ``<cell>/op_<node>_<k>`` and a list of one input by
        ``<cell>/input_<node>_<k>``."""
        architecture: Architecture = {}
        for cell, node in self.nodes:
            pairs = [
                [sample[f"{cell}/op_{node}_{k}"], sample[f"{cell}/input_{node}_{k}"][0]]
                for k in range(self.chosen)
            ]
            pairs.sort(key=lambda pair: (pair[1], pair[0]))
            architecture.setdefault(cell, []).append(pairs)
        return architecture

    def shown(self, samples: Sequence[Mapping[str, Any]]) -> dict[Node, Tensor]:
        """The logits, (E, K + 1) by node, that such samples show: ln of the share of them that have a pair, and of
        those that leave the edge out."""
        counts = {
            node: torch.zeros(len(costs), len(self.primitives) + 1) for node, costs in self.nodes.items()
        }
        number = {primitive: k for k, primitive in enumerate(self.primitives)}
        for sample in samples:
            for node, pairs in self.pairs(self.architecture(sample)):
                for primitive, source in pairs:
                    counts[node][source, number[primitive]] += 1
        for count in counts.values():
            count[:, -1] = (len(samples) - count.sum(1)).clamp_min(0)
        return {
            node: ((count + 0.5) / (len(samples) + 0.5 * count.shape[1])).log()
            for node, count in counts.items()
        }

    def pairs(self, architecture: Architecture) -> Iterator[tuple[Node, list[list]]]:
        """Each node of ``architecture`` with its [primitive, input] pairs."""
        for cell in architecture:
            first = min(number for name, number in self.nodes if name == cell)
            for offset, pairs in enumerate(architecture[cell]):
                yield (cell, first + offset), pairs


class CellDistribution:
    """Of ``logits[node]``, each (E, K + 1), over the architectures of ``table``. Nothing is copied: gradients
    of ``expected_macs`` reach the logits."""

    def __init__(self, table: CostTable, logits: Mapping[Node, Tensor]) -> None:
        if logits.keys() != table.nodes.keys():
            raise ValueError(f"logits are of the nodes {list(logits)}; the costs of {list(table.nodes)}")
        self.table = table
        self.logits = logits

    def included(self, node: Node) -> Tensor:
        """(E, K): the probability that a pair is among the node's; sums to ``chosen``."""
        pairs = self._pairs(node)
        edges = pairs.sum(1).clamp_min(_LEAST)
        edges = edges / edges.amax()
        chosen = self.table.chosen
        # P(edge e is in) = e's weight times that of the (n-1)-subsets without e, over that of all n-subsets.
        each = [
            edges[e] * _subsets(torch.cat([edges[:e], edges[e + 1 :]]), chosen - 1) for e in range(len(edges))
        ]
        weights = torch.stack(each)
        return (chosen * weights / weights.sum() / pairs.sum(1).clamp_min(_LEAST))[:, None] * pairs

    def expected_macs(self) -> Tensor:
        """Mean MACs of one image, a float64 scalar that is differentiable in the logits."""
        terms = [
            (self.included(node) * costs.to(self.logits[node].device)).sum()
            for node, costs in self.table.nodes.items()
        ]
        return torch.stack(terms).sum() + self.table.fixed

    def derive(self, price: float = 0.0, of: Mapping[Node, Tensor] | None = None) -> Architecture:
        """The most probable architecture; with a ``price``, the one with the highest log-probability less
        ``price`` times its MACs, which is the most probable of all that have no more MACs (no fewer, if it is
        negative). ``of``: another cost of each edge in place of its MACs."""
        architecture: Architecture = {}
        with torch.no_grad():
            for node, costs in (of or self.table.nodes).items():
                score = self._pairs(node).clamp_min(_LEAST).log().cpu() - price * costs
                best, primitive = score.max(1)
                inputs = best.argsort(descending=True, stable=True)[: self.table.chosen].tolist()
                pairs = [[self.table.primitives[int(primitive[j])], j] for j in sorted(inputs)]
                architecture.setdefault(node[0], []).append(pairs)
        return architecture

    def derive_within(self, budget: Budget) -> Architecture:
        """`derive` where that is within ``budget``; else with the least price of its shares at which it is. Where no
        architecture that was tried is, the one that is least above it."""
        found = self.derive()
        if self._excess(found, budget) <= 1:
            return found
        nearest = found
        for weight in _WEIGHTS if budget.max_macs and budget.max_params else (float(bool(budget.max_macs)),):
            shares = self.table.shares(budget, weight)
            found = self._cheapest_price(shares, budget)
            if self._excess(found, budget) <= 1:
                return found
            nearest = min(nearest, found, key=lambda each: self._excess(each, budget))
        return nearest

    def _excess(self, architecture: Architecture, budget: Budget) -> float:
        return budget.excess(self.table.cost(architecture))

    def _cheapest_price(self, shares: Mapping[Node, Tensor], budget: Budget) -> Architecture:
        """What is derived at the least price of ``shares`` at which it is within ``budget``; else at a very high one."""
        low, high = 0.0, 1 / (max(float(costs.max()) for costs in shares.values()) or 1.0)  # all may be free
        for _ in range(_DOUBLINGS):
            found = self.derive(high, shares)
            if self._excess(found, budget) <= 1:
                break
            low, high = high, 2 * high
        else:
            return found
        for _ in range(_HALVINGS):
            price = (low + high) / 2
            cheaper = self.derive(price, shares)
            if self._excess(cheaper, budget) <= 1:
                found, high = cheaper, price
            else:
                low = price
        return found

    def log_probability(self, architecture: Architecture) -> Tensor:
        """ln P of an architecture whose nodes have different inputs: a float64 scalar, differentiable in the
        logits."""
        terms = []
        for node, chosen in self.table.pairs(architecture):
            pairs = self._pairs(node).clamp_min(_LEAST)
            picked = [pairs[source, self.table.primitives.index(name)].log() for name, source in chosen]
            terms.append(torch.stack(picked).sum() - _subsets(pairs.sum(1), self.table.chosen).log())
        return torch.stack(terms).sum()

    def sample(self, rng: random.Random, budget: Budget = UNLIMITED) -> Architecture:
        """One architecture, drawn; with a budget drawn again until it is within, and after a hundred draws what
        `derive_within` gives."""
        if budget.unlimited:
            return self._draw(rng)
        for _ in range(_DRAWS):
            drawn = self._draw(rng)
            if self._excess(drawn, budget) <= 1:
                return drawn
        return self.derive_within(budget)

    def _draw(self, rng: random.Random) -> Architecture:
        architecture: Architecture = {}
        for node in self.table.nodes:
            pairs = self._pairs(node).detach().cpu()
            weights = pairs.sum(1).clamp_min(_LEAST)
            chosen, left = [], self.table.chosen
            for e in range(len(weights)):  # edge by edge: in, with what the rest then still has to give
                inside = float(weights[e] * _subsets(weights[e + 1 :], left - 1)) if left else 0.0
                outside = float(_subsets(weights[e + 1 :], left))
                if rng.random() * (inside + outside) < inside:
                    primitive = rng.choices(self.table.primitives, weights=pairs[e].tolist())[0]
                    chosen.append([primitive, e])
                    left -= 1
            architecture.setdefault(node[0], []).append(chosen)
        return architecture

    def entropy(self) -> dict[str, float]:
        """By cell, the mean over its edges of the softmax's entropy, in nats; ln(K + 1) at the start."""
        sums: dict[str, list[float]] = {}
        for node, logits in self.logits.items():
            logs = logits.detach().double().log_softmax(1)
            sums.setdefault(node[0], []).extend((-(logs.exp() * logs).sum(1)).tolist())
        return {cell: math.fsum(values) / len(values) for cell, values in sums.items()}

    def expected_count(self, primitive: str) -> dict[str, float]:
        """By cell, the mean number of pairs with ``primitive``."""
        counts: dict[str, float] = {}
        column = self.table.primitives.index(primitive)
        for node in self.table.nodes:
            count = float(self.included(node).detach()[:, column].sum())
            counts[node[0]] = counts.get(node[0], 0.0) + count
        return counts

    def _pairs(self, node: Node) -> Tensor:
        return self.logits[node].double().softmax(1)[:, :-1]


def uniform(table: CostTable) -> CellDistribution:
    """All logits equal."""
    logits = {node: torch.zeros(len(costs), len(table.primitives) + 1) for node, costs in table.nodes.items()}
    return CellDistribution(table, logits)


def _subsets(weights: Tensor, size: int) -> Tensor:
    """Sum over all subsets of ``size`` of the product of their weights (elementary symmetric polynomial)."""
    if size < 0:
        return torch.zeros((), dtype=weights.dtype, device=weights.device)
    sums = [torch.ones((), dtype=weights.dtype, device=weights.device)]
    sums += [torch.zeros_like(sums[0]) for _ in range(size)]
    for weight in weights:
        sums = [sums[0]] + [sums[k] + weight * sums[k - 1] for k in range(1, size + 1)]
    return sums[size]
