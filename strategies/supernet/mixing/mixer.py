"""Which primitives of a node's edges run in a step, and with which weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from strategies.supernet.data import epoch_seed
from strategies.supernet.distribution import CostTable, Node


class Term(NamedTuple):
    """One primitive that a node runs: the edge from input ``source``, the ``primitive``'s number, its ``weight`` (a
    scalar tensor; None is 1). ``blind``: nothing that the primitive is made of needs a gradient."""

    source: int
    primitive: int
    weight: Tensor | None = None
    blind: bool = False


class Mixer(ABC):
    """What all cells of a supernet ask for the terms of a node.

    ``learning`` is True in a step of the architecture weights, and False in one of the other weights, where no
    gradient of the architecture weights is computed. Chance comes from ``generator`` alone, whose seed is that of the
    epoch: it is the same on all processes that share a batch, and a search that was stopped goes on with it.

    Examples:
        >>> row = torch.tensor([0.0, 0.0, 20.0])
        >>> [round(float(term.weight), 3) for term in Softmax().terms(("normal", 2), [row], training=True)]
        [0.0, 0.0]
    """

    def __init__(self) -> None:
        self.learning = False
        self.generator = torch.Generator()

    def begin_epoch(self, seed: int, epoch: int, epochs: int) -> None:
        """``epoch`` counts from 0."""
        self.generator.manual_seed(epoch_seed(seed, epoch, 2))

    def begin_step(self, logits: dict[Node, list[Tensor]], *, learning: bool) -> None:
        """``logits``: those of each node by input, (K + 1,) each."""
        self.learning = learning

    def begin_judging(self, table: CostTable, logits: Mapping[Node, Tensor]) -> None:
        """The supernet is judged next, in eval mode; ``logits`` are (E, K + 1) by node."""
        self.learning = False

    @abstractmethod
    def terms(self, node: Node, logits: Sequence[Tensor], *, training: bool) -> Sequence[Term]:
        """Those of ``node``; ``logits`` are (K + 1,) for each of its inputs."""

    def notes(self) -> dict[str, float]:
        """What an epoch's record says of it."""
        return {}


class Softmax(Mixer):
    """All primitives, weighed by the softmax of their edge's logits: DARTS (Liu et al., ICLR 2019, equation 2)."""

    def terms(self, node: Node, logits: Sequence[Tensor], *, training: bool) -> list[Term]:
        found = []
        for source, row in enumerate(logits):
            weights = self.weights(node, source, row if self.learning else row.detach(), training=training)
            found += [Term(source, k, weight) for k, weight in enumerate(weights.unbind()[:-1])]  # last: none
        return found

    def weights(self, node: Node, source: int, row: Tensor, *, training: bool) -> Tensor:
        """(K + 1,), which add up to 1."""
        return row.softmax(0)


class Gumbel(Softmax):
    """All primitives, weighed by a softmax of logits and Gumbel noise, whose temperature falls linearly over the
    epochs from ``temperature`` to ``final_temperature``: SNAS (Xie et al., ICLR 2019, equation 6).

    The noise is drawn once a step; cells of one kind share it, as they share the logits. In evaluation there is none.
    """

    def __init__(self, temperature: float, final_temperature: float) -> None:
        super().__init__()
        self.temperature, self.range = temperature, (temperature, final_temperature)
        self._noise: dict[tuple[Node, int], Tensor] = {}

    def begin_epoch(self, seed: int, epoch: int, epochs: int) -> None:
        super().begin_epoch(seed, epoch, epochs)
        high, low = self.range
        self.temperature = high + (low - high) * epoch / max(1, epochs - 1)

    def begin_step(self, logits: dict[Node, list[Tensor]], *, learning: bool) -> None:
        super().begin_step(logits, learning=learning)
        for node, rows in logits.items():
            for source, row in enumerate(rows):
                drawn = torch.rand(row.shape, generator=self.generator).clamp_min(1e-20)
                self._noise[node, source] = -(-drawn.log()).clamp_min(1e-20).log().to(row)

    def weights(self, node: Node, source: int, row: Tensor, *, training: bool) -> Tensor:
        if training:
            row = (row + self._noise[node, source]) / self.temperature
        return F.softmax(row, 0)

    def notes(self) -> dict[str, float]:
        return {"temperature": self.temperature}
