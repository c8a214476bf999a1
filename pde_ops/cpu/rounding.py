"""Feature maps between bfloat16 with the channels of a pixel side by side, and float32 with planes one after the other.

The former is how convolutions in bfloat16 take them (``torch.channels_last``), the latter how this project's kernels
train. Each way is one pass of a C++ kernel, which takes little more than a copy.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from pde_ops.cpu import backend


def to_rounded(x: Tensor) -> Tensor:
    """``x`` (N, C, H, W), float32 on a CPU, in bfloat16 with the channels of a pixel side by side.

    Examples:
        >>> to_rounded(torch.full((1, 1, 1, 1), 1.001)).item()
        1.0
    """
    x = x.contiguous()
    out = torch.empty(x.shape, dtype=torch.bfloat16, memory_format=torch.channels_last)
    backend.library().to_rounded(*_arguments(x, out))
    return out


def from_rounded(x: Tensor) -> Tensor:
    """The inverse of `to_rounded`: float32, planes one after the other."""
    x = x.contiguous(memory_format=torch.channels_last)
    out = torch.empty(x.shape)
    backend.library().from_rounded(*_arguments(x, out))
    return out


def _arguments(x: Tensor, out: Tensor) -> tuple[Any, ...]:
    sizes = (ctypes.c_long * 3)(x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
    return ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(out.data_ptr()), sizes, backend.threads(x.numel())


def lies_rounded(x: Tensor) -> bool:
    """Whether ``x`` is as `to_rounded` makes it, and may be converted by the kernels here and now."""
    return (
        x.dtype is torch.bfloat16
        and backend.is_ordinary(x)
        and not x.is_contiguous()
        and x.is_contiguous(memory_format=torch.channels_last)
    )


class Widen(torch.autograd.Function):
    """`from_rounded`, with the gradient rounded."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return from_rounded(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return Narrow.apply(grad)


class Narrow(torch.autograd.Function):
    """`to_rounded`, with the gradient widened."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return to_rounded(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return Widen.apply(grad)
