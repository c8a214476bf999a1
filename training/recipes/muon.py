"""Muon: momentum SGD whose update of a convolution is made orthogonal.

Source: Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024),
https://kellerjordan.github.io/posts/muon/. ``torch.optim.Muon`` is the same update for matrices alone, each by
itself and in bfloat16; cells are made of hundreds of small convolutions, so here matrices of one shape are
taken together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the source: steep at 0, so that five iterations do
_ITERATIONS = 5
_SMALLEST_NORM = 1e-7


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices (B, rows, columns) with the singular vectors they had and singular values of about 1.

    Newton and Schulz's iteration, with the source's quintic: the values end between 0.65 and 1.21, those that
    were less than 0.0015 of the matrix's norm below that.
    """
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_SMALLEST_NORM)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter is a convolution's that mixes channels: (out, in, ...) with in > 1."""
    return parameter.dim() > 2 and parameter.shape[1] > 1


class Muon(torch.optim.Optimizer):
    """Muon for convolutions that mix channels, SGD with Nesterov momentum for everything else.

    A convolution (out, in, kernel...) is the matrix (out, in x kernel). Its update has singular values of 1,
    times sqrt(out / (in x kernel)) where that is more than 1, times the learning rate.

    Args:
        learning_rate: of the SGD; ``matrix_learning_rate``: of the orthogonal updates.
        momentum: of both. weight_decay: of the SGD, coupled; matrices: decoupled by ``matrix_decay``.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        learning_rate: float,
        matrix_learning_rate: float,
        momentum: float,
        weight_decay: float = 0.0,
        matrix_decay: float = 0.0,
    ) -> None:
        parameters = list(parameters)
        matrices = [p for p in parameters if is_matrix(p)]
        others = [p for p in parameters if not is_matrix(p)]
        groups = [
            {"params": others, "lr": learning_rate, "weight_decay": weight_decay, "matrices": False},
            {
                "params": matrices,
                "lr": matrix_learning_rate,
                "weight_decay": matrix_decay,
                "matrices": True,
            },
        ]
        super().__init__([group for group in groups if group["params"]], {"momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step; ``closure`` is not supported."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            given = [(p, p.grad) for p in group["params"] if p.grad is not None]
            if not given:
                continue
            parameters, gradients = [p for p, _ in given], [gradient for _, gradient in given]
            step = _matrices_step if group["matrices"] else _others_step
            step(parameters, gradients, [self._momentum(p) for p in parameters], group)

    def _momentum(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        return state["momentum_buffer"]


def _others_step(
    parameters: list[Tensor], gradients: list[Tensor], buffers: list[Tensor], group: dict[str, Any]
) -> None:
    momentum, decay = group["momentum"], group["weight_decay"]
    if decay:
        gradients = list(torch._foreach_add(gradients, parameters, alpha=decay))
    torch._foreach_mul_(buffers, momentum)
    torch._foreach_add_(buffers, gradients)
    _subtract(parameters, list(torch._foreach_add(gradients, buffers, alpha=momentum)), group["lr"])


def _matrices_step(
    parameters: list[Tensor], gradients: list[Tensor], buffers: list[Tensor], group: dict[str, Any]
) -> None:
    momentum, rate = group["momentum"], group["lr"]
    torch._foreach_lerp_(buffers, gradients, 1 - momentum)
    updates = torch._foreach_lerp(gradients, buffers, momentum)
    torch._foreach_mul_(parameters, 1 - rate * group["weight_decay"])
    by_shape: dict[tuple[int, int], list[int]] = {}
    for index, update in enumerate(updates):
        by_shape.setdefault((update.shape[0], update[0].numel()), []).append(index)
    for (rows, columns), indices in by_shape.items():
        orthogonals = orthogonal(torch.stack([updates[index].flatten(1) for index in indices]))
        longer = max(1.0, rows / columns) ** 0.5
        chosen = [parameters[index] for index in indices]
        shaped = [o.view(p.shape) for o, p in zip(orthogonals.unbind(0), chosen, strict=True)]
        _subtract(chosen, shaped, rate * longer)


def _subtract(parameters: list[Tensor], updates: list[Tensor], rate: float | Tensor) -> None:
    """``parameters -= rate * updates``; a rate on the device is not asked for."""
    if isinstance(rate, Tensor):
        torch._foreach_sub_(parameters, torch._foreach_mul(updates, rate))
    else:
        torch._foreach_add_(parameters, updates, alpha=-rate)
