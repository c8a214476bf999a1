"""How a one-shot search trains its supernet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from records.errors import UserError


@dataclass(frozen=True)
class SupernetSettings:
    """How the supernet is trained. The defaults are those of DARTS (Liu et al. 2019, appendix A.1)."""

    epochs: int = 50
    batch_size: int = 64  # images, of each of the two steps
    learning_rate: float = 0.025  # of the weights, at first; a cosine leads it to `final_learning_rate`
    final_learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    auxiliary_weight: float = 0.4
    architecture_learning_rate: float = 3e-4  # Adam with betas 0.5, 0.999 and weight decay 1e-3, constant
    warmup_epochs: int = 0  # in which only the weights are trained
    mac_penalty: float = 0.0
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("warmup_epochs", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise UserError(
                    f"{name} of the supernet is {getattr(self, name)}; it must be {least} or more"
                )
        if not (math.isfinite(self.mac_penalty) and self.mac_penalty >= 0):
            raise UserError(f"mac_penalty is {self.mac_penalty:g}; it must be 0 (off) or more")
        for name in ("learning_rate", "architecture_learning_rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UserError(f"{name} of the supernet is {value:g}; it must be above 0")

    def learning_rate_at(self, epoch: float) -> float:
        """Of the weights, at ``epoch`` in [0, epochs], which need not be whole."""
        low, high = self.final_learning_rate, self.learning_rate
        return low + 0.5 * (high - low) * (1 + math.cos(math.pi * epoch / self.epochs))
