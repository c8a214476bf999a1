"""Operation-level early stopping: an operation whose gradients disagree between both splits stops learning.

Source: Jiang et al., "Operation-Level Early Stopping for Robustifying Differentiable NAS", NeurIPS 2023 (OLES). In a
supernet the operations with weights overfit the training images, and the architecture weights then prefer skips.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from strategies.supernet.mixing.cell import MixedCell

STEPS = 20  # over which the agreement is averaged


class OperationStop:
    """Of each operation with weights on each edge of ``cells``: the mean over `STEPS` steps of the cosine between its
    gradients on training and on validation images. One below ``least`` learns no more: its gradients are dropped, so
    that neither momentum nor weight decay moves it."""

    def __init__(self, cells: Iterable[MixedCell], least: float) -> None:
        choices = [choice for cell in cells for edges in cell.choices for edge in edges for choice in edge]
        self.operations = [list(choice.parameters()) for choice in choices if list(choice.parameters())]
        self.least, self.steps = least, 0
        self.sums = torch.zeros(len(self.operations), dtype=torch.float64)
        self.stopped = torch.zeros(len(self.operations), dtype=torch.bool)
        self._validation: dict[int, Tensor] = {}

    @property
    def share(self) -> float:
        """Of the operations, how many have stopped, in [0, 1]."""
        return float(self.stopped.double().mean())

    def keep_validation(self, weights: Sequence[nn.Parameter]) -> None:
        """The weights' gradients are now those on validation images; they are taken away."""
        self._validation = {id(p): p.grad for p in weights if p.grad is not None}
        for parameter in weights:
            parameter.grad = None

    def compare(self) -> None:
        """The gradients are now those on training images; those of stopped operations are dropped."""
        if self._validation:  # not while warming up
            cosines = [_cosine(parameters, self._validation) for parameters in self.operations]
            self.sums += torch.tensor(cosines, dtype=torch.float64)
            self.steps += 1
            self._validation = {}
            if self.steps == STEPS:
                self.stopped |= self.sums / STEPS < self.least
                self.sums.zero_()
                self.steps = 0
        for stopped, parameters in zip(self.stopped.tolist(), self.operations, strict=True):
            if stopped:
                for parameter in parameters:
                    parameter.grad = None

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps, "sums": self.sums, "stopped": self.stopped}

    def load(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        self.sums, self.stopped = state["sums"].cpu().clone(), state["stopped"].cpu().clone()


def _cosine(parameters: Sequence[nn.Parameter], validation: dict[int, Tensor]) -> float:
    pairs = [(p.grad.flatten(), validation[id(p)].flatten()) for p in parameters if p.grad is not None]
    if not pairs:
        return 1.0
    train, other = torch.cat([one for one, _ in pairs]), torch.cat([two for _, two in pairs])
    return float(torch.nn.functional.cosine_similarity(train, other, dim=0))
