"""The loss of a supernet, and the optimiser of its weights."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from nni.nas.evaluator.pytorch import LightningModule
from torch import Tensor


class SupernetTraining(LightningModule):
    """The evaluator's part: loss and weight optimiser. The learning rate is set each step by the caller."""

    def __init__(
        self, *, learning_rate: float, momentum: float, weight_decay: float, auxiliary_weight: float
    ) -> None:
        super().__init__()
        self.options: dict[str, Any] = dict(lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
        self.auxiliary_weight = auxiliary_weight

    def forward(self, images: Tensor) -> Any:
        return self.model(images)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        images, labels = batch
        output = self(images)
        logits, auxiliary = output if isinstance(output, tuple) else (output, None)
        loss = F.cross_entropy(logits, labels)
        if auxiliary is not None and self.auxiliary_weight:
            loss = loss + self.auxiliary_weight * F.cross_entropy(auxiliary, labels)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """The accuracy in [0, 1] of a batch, by the name under which NNI's ENAS looks for its reward."""
        images, labels = batch
        output = self(images)
        logits = output[0] if isinstance(output, tuple) else output
        self.log("default", (logits.argmax(1) == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), **self.options)
