"""How a one-shot search trains its supernet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from records.errors import UserError
from records.options import Options, option


@dataclass(frozen=True)
class SupernetSettings(Options):
    """How the supernet is trained. The defaults are those of DARTS (Liu et al. 2019, appendix A.1)."""

    epochs: int = option(50, "training of the supernet", unit="epochs", least=1)
    batch_size: int = option(64, "of each of the two steps", unit="images", least=1)
    learning_rate: float = option(
        0.025, "of the weights, at first; a cosine leads it to final_learning_rate", least=0.0
    )
    final_learning_rate: float = option(0.001, "of the weights, in the end", least=0.0)
    momentum: float = option(0.9, "of the weights", least=0.0)
    weight_decay: float = option(3e-4, "of the weights", least=0.0)
    clip_norm: float = option(5.0, "longest gradient of the weights", least=0.0)
    auxiliary_weight: float = option(0.4, "of the auxiliary classifier's loss, if there is one", least=0.0)
    architecture_learning_rate: float = option(
        3e-4, "constant, of Adam with betas 0.5 and 0.999 and weight decay 1e-3", least=0.0
    )
    warmup_epochs: int = option(0, "in which only the weights are trained", unit="epochs", least=0)
    mac_penalty: float = option(
        0.0, "added to the architecture's loss, times expected MACs over those at the start", least=0.0
    )
    temperature: float = option(1.0, "of the Gumbel softmax, at first", least=1e-3)
    final_temperature: float = option(0.33, "of the Gumbel softmax, in the end", least=1e-3)
    partial_channels: int = option(
        1, "K: one in K channels goes through the primitives", unit="channels", least=1
    )
    operation_stop: float = option(
        0.0, "least mean cosine of an operation's gradients on both splits; 0 is off", least=0.0, most=1.0
    )
    auxiliary_skip: float = option(0.0, "weight of a skip beside each edge at first; 0 is off", least=0.0)
    nni_one_shot: str = option("", "MODULE:CLASS of the strategy of NNI's that learns, in place of ours")
    seed: int = option(0, "decides weights and batches", least=0, most=2**53 - 1)
    device: str = option("cpu", "cpu, cuda or cuda:N")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("learning_rate", "architecture_learning_rate"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} is {getattr(self, name):g}; accepted: a number above 0")

    def learning_rate_at(self, epoch: float) -> float:
        """Of the weights, at ``epoch`` in [0, epochs], which need not be whole."""
        low, high = self.final_learning_rate, self.learning_rate
        return low + 0.5 * (high - low) * (1 + math.cos(math.pi * epoch / self.epochs))
