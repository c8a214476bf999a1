"""Pools of 3x3 pixels as one C++ kernel, float32 on a CPU.

Torch 2.11 goes through the pixels of a pool one by one; of a supernet's step that was a tenth. Eight at a time take a
fraction of it, and the input alone is kept for the backward pass.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from pde_ops.cpu import backend
from pde_ops.cpu.training import stand_in


class MaxPool2d(nn.MaxPool2d):
    """The pool whose settings it takes over.

    Examples:
        >>> MaxPool2d(nn.MaxPool2d(3, 2, padding=1))(torch.arange(9.0).view(1, 1, 3, 3)).flatten().tolist()
        [4.0, 5.0, 7.0, 8.0]
    """

    def __init__(self, pool: nn.MaxPool2d) -> None:
        stand_in.take_over(self, pool)

    def forward(self, x: Tensor) -> Tensor:
        if not stand_in.can_run(x):
            return super().forward(x)
        return _Pool.apply(x.contiguous(), _both(self.stride)[0], False)


class AvgPool2d(nn.AvgPool2d):
    """The pool whose settings it takes over."""

    def __init__(self, pool: nn.AvgPool2d) -> None:
        stand_in.take_over(self, pool)

    def forward(self, x: Tensor) -> Tensor:
        if not stand_in.can_run(x):
            return super().forward(x)
        return _Pool.apply(x.contiguous(), _both(self.stride)[0], True)


def stands_for(module: nn.Module) -> nn.Module | None:
    """What can stand for the pool that ``module`` is, if the kernel can: 3x3 with a padding of 1 and stride 1 or 2,
    and pixels beyond the border do not count."""
    if _takes_max(module):
        return MaxPool2d(module)
    return AvgPool2d(module) if _takes_mean(module) else None


def _takes_max(module: nn.Module) -> TypeGuard[nn.MaxPool2d]:
    return (
        stand_in.is_plain(module, nn.MaxPool2d)
        and _is_taken_shape(module)
        and _both(module.dilation) == (1, 1)
        and not module.return_indices
    )


def _takes_mean(module: nn.Module) -> TypeGuard[nn.AvgPool2d]:
    return (
        stand_in.is_plain(module, nn.AvgPool2d)
        and _is_taken_shape(module)
        and not module.count_include_pad
        and module.divisor_override is None
    )


def _is_taken_shape(pool: nn.MaxPool2d | nn.AvgPool2d) -> bool:
    return (
        _both(pool.kernel_size) == (3, 3)
        and _both(pool.padding) == (1, 1)
        and _both(pool.stride) in ((1, 1), (2, 2))
        and not pool.ceil_mode
    )


def _both(size: int | tuple[int, ...]) -> tuple[int, ...]:
    return (size, size) if isinstance(size, int) else tuple(size)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, stride: int, mean: bool) -> Tensor:
        ctx.save_for_backward(x.new_empty(0) if mean else x)
        ctx.shape, ctx.stride, ctx.mean = x.shape, stride, mean
        rows, columns = (-(-size // stride) for size in x.shape[2:])
        out = x.new_empty(x.shape[0], x.shape[1], rows, columns)
        backend.library().pool(*stand_in.addresses(x, out), *_settings(ctx))
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        grad, grad_x = grad.contiguous(), grad.new_empty(ctx.shape)
        backend.library().pool_backward(*stand_in.addresses(x, grad, grad_x), *_settings(ctx))
        return grad_x, None, None


def _settings(ctx: Any) -> tuple[Any, ...]:
    n, channels, rows, columns = ctx.shape
    return (
        stand_in.numbers(n * channels, rows, columns, ctx.stride), int(ctx.mean),
        backend.threads(n * channels * rows * columns),
    )  # fmt: skip
