"""Batch norm in training, with a ReLU behind it or not, as one C++ kernel on a CPU: in float32, and in bfloat16 with
the channels of a pixel side by side, whose arithmetic is float32.

Torch's passes over the feature map are more than the sums and the scaling need, the ReLU has two of its own, and each
keeps a map for the backward pass. With small channels these passes, not arithmetic, are what a training step waits for.
"""

from __future__ import annotations

import ctypes
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cpu import backend
from pde_ops.cpu.rounding import lies_rounded
from pde_ops.cpu.training import stand_in


class BatchNormReLU(nn.BatchNorm2d):
    """The norm whose parameters and statistics it takes over, and a ReLU behind it where ``relu``.

    Examples:
        >>> norm = nn.BatchNorm2d(4)
        >>> BatchNormReLU(norm).running_mean is norm.running_mean
        True
    """

    momentum: float

    def __init__(self, norm: nn.BatchNorm2d, *, relu: bool = False) -> None:
        stand_in.take_over(self, norm)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and _takes_map(x) and x.numel() > x.shape[1]):
            out = super().forward(x)
            return F.relu(out) if self.relu else out
        out, mean, variance = _BatchNorm.apply(x, self.weight, self.bias, self.eps, self.relu)
        count = x.numel() // x.shape[1]
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
            self.num_batches_tracked.add_(1)
        return out


def _takes_map(x: Tensor) -> bool:
    return stand_in.can_run(x) or (x.dim() == 4 and lies_rounded(x) and backend.built())


def takes(module: nn.Module | None) -> TypeGuard[nn.BatchNorm2d]:
    """Whether the kernel can stand for it: a plain batch norm of torch's, float32, with parameters and statistics."""
    return (
        stand_in.is_plain(module, nn.BatchNorm2d)
        and module.affine
        and module.track_running_stats
        and module.momentum is not None
    )


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, relu: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = _as_it_lies(x)
        out, (mean, variance, inverse) = torch.empty_like(x), weight.new_empty(3, x.shape[1])
        library = backend.library()
        (library.norm_forward if x.dtype == torch.float32 else library.rounded_norm_forward)(
            *stand_in.addresses(x, weight, bias, out, mean, variance, inverse), _sizes(x), ctypes.c_double(eps), int(relu),
            backend.threads(x.numel()),
        )  # fmt: skip
        ctx.save_for_backward(x, weight, bias, mean, inverse)
        ctx.relu = relu
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, mean, inverse = ctx.saved_tensors
        grad = _as_it_lies(grad)  # it must live until the kernel has run
        grad_x, (grad_weight, grad_bias) = torch.empty_like(x), weight.new_empty(2, x.shape[1])
        library = backend.library()
        (library.norm_backward if x.dtype == torch.float32 else library.rounded_norm_backward)(
            *stand_in.addresses(x, weight, bias, mean, inverse, grad, grad_x, grad_weight, grad_bias), _sizes(x),
            int(ctx.relu), backend.threads(x.numel()),
        )  # fmt: skip
        return grad_x, grad_weight, grad_bias, None, None


def _as_it_lies(x: Tensor) -> Tensor:
    """As the kernel of its type reads it."""
    return x.contiguous(
        memory_format=torch.contiguous_format if x.dtype == torch.float32 else torch.channels_last
    )


def _sizes(x: Tensor) -> ctypes.Array:
    if x.dtype == torch.bfloat16:
        return stand_in.numbers(x.numel() // x.shape[1], x.shape[1])
    return stand_in.numbers(x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
