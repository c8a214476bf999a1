"""Mixers that run a few primitives only: single paths, and ProxylessNAS' gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from strategies.supernet.distribution import Architecture, CellDistribution, CostTable, Node
from strategies.supernet.mixing.mixer import Mixer, Term

_DRAWS = 100  # of a node's gates, until one of its edges is there


class Paths(Mixer):
    """One architecture at a time, all weights 1. ``path`` is what the next forward passes run."""

    def __init__(self) -> None:
        super().__init__()
        self._terms: dict[Node, list[Term]] = {}

    def follow(self, table: CostTable, path: Architecture) -> None:
        """The cells run ``path`` from now on."""
        number = {primitive: k for k, primitive in enumerate(table.primitives)}
        self._terms = {
            node: [Term(source, number[primitive]) for primitive, source in pairs]
            for node, pairs in table.pairs(path)
        }

    def begin_judging(self, table: CostTable, logits: Mapping[Node, Tensor]) -> None:
        super().begin_judging(table, logits)
        self.follow(table, CellDistribution(table, logits).derive())

    def terms(self, node: Node, logits: Sequence[Tensor], *, training: bool) -> list[Term]:
        return self._terms[node]


class Gates(Paths):
    """One primitive of each edge, drawn by the softmax of its logits, or none: ProxylessNAS (Cai et al., ICLR 2019,
    section 3.2).

    In a step of the architecture weights two candidates of each edge are drawn, and one of the two is run. The gate's
    gradient (equation 4) needs the other's output, too, which is computed without a graph. An edge is left out where
    "none" was drawn. Where that would leave a node without any edge, its gates are drawn again.
    """

    def begin_step(self, logits: dict[Node, list[Tensor]], *, learning: bool) -> None:
        super().begin_step(logits, learning=learning)
        for node, rows in logits.items():
            for _ in range(_DRAWS):
                self._terms[node] = [
                    term for source, row in enumerate(rows) for term in self._edge(source, row, learning)
                ]
                if any(not term.blind for term in self._terms[node]):
                    break
            else:  # all edges are as good as certainly left out: the strongest one stays
                chances = torch.stack(list(rows)).detach().softmax(1)[:, :-1]
                source, primitive = divmod(int(chances.argmax()), chances.shape[1])
                self._terms[node] = [Term(source, primitive)]

    def _edge(self, source: int, row: Tensor, learning: bool) -> list[Term]:
        none = len(row) - 1
        chances = row.detach().cpu().softmax(0)
        if not learning:
            drawn = self._draw(chances, 1)[0]
            return [] if drawn == none else [Term(source, drawn)]
        two = self._draw(chances, 2)
        among = row[two].softmax(0)
        run = self._draw(among.detach().cpu(), 1)[0]
        gates = torch.zeros_like(among)
        gates[run] = 1.0
        gates = gates + among - among.detach()  # binary; its gradient is the softmax's
        return [
            Term(source, primitive, gates[place], blind=place != run)
            for place, primitive in enumerate(two)
            if primitive != none
        ]

    def _draw(self, chances: Tensor, count: int) -> list[int]:
        return torch.multinomial(chances.clamp_min(1e-12), count, generator=self.generator).tolist()
