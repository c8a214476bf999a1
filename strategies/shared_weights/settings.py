"""How a supernet whose networks share their weights is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from records.options import Options, option


@dataclass(frozen=True)
class SharedTraining(Options):
    """SGD with Nesterov's momentum; the rate rises over the first twentieth, and falls to zero along a cosine."""

    epochs: int = option(20, "training of the supernet", unit="epochs", least=1)
    batch_size: int = option(64, "of each step", unit="images", least=1)
    networks: int = option(
        1, "networks whose gradients each step adds up", unit="networks", least=1, most=1000
    )
    learning_rate: float = option(0.1, "highest of the weights", least=1e-9)
    momentum: float = option(0.9, "of the weights", least=0.0)
    weight_decay: float = option(1e-4, "of the weights", least=0.0)
    label_smoothing: float = option(0.1, "of the loss", least=0.0, most=1.0)
    clip_norm: float = option(5.0, "longest gradient", least=0.0)
    seed: int = option(0, "decides weights, batches and networks", least=0, most=2**53 - 1)
    device: str = option("cpu", "cpu, cuda or cuda:N")

    def learning_rate_at(self, epoch: float) -> float:
        """At ``epoch`` in [0, epochs], which need not be whole."""
        share = epoch / self.epochs
        rising = min(1.0, share / _RISE)
        return self.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * share))


_RISE = 0.05
