"""Strided 1x1 convolutions while a network is trained on a CPU: the pixels that count are taken first, then convolved.

The sum is the same. In the channels-last order torch 2.11's gradient of such a convolution writes beyond its buffer where
the input has 2 to 7 channels (found with glibc's heap checks: float32, AVX2, stride 2; not with 1 channel, nor from 8 on,
nor with larger kernels). With planes one after the other it is quicker so: half to nine tenths of the time, both
gradients with it, of 16 to 160 channels on AVX2.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cpu.training import stand_in


class StridedConv2d(nn.Conv2d):
    """The strided 1x1 convolution whose parameters it takes over.

    Examples:
        >>> convolution = nn.Conv2d(6, 8, 1, stride=2)
        >>> StridedConv2d(convolution).weight is convolution.weight
        True
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        stand_in.take_over(self, convolution)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            return super().forward(x)
        last = not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
        order = torch.channels_last if last else torch.contiguous_format
        return F.conv2d(_Taken.apply(x, self.stride, order), self.weight, self.bias)


class _Taken(torch.autograd.Function):
    """``x[:, :, ::rows, ::columns]``; its gradient keeps the order of memory, which torch's own does not."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, stride: tuple[int, int], order: torch.memory_format) -> Tensor:
        rows, columns = stride
        ctx.size, ctx.order = x.shape, order
        ctx.every = ..., slice(None, None, rows), slice(None, None, columns)
        return x[ctx.every].contiguous(memory_format=order)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        whole = torch.empty(ctx.size, dtype=grad.dtype, device=grad.device, memory_format=ctx.order).zero_()
        whole[ctx.every] = grad
        return whole, None, None


def takes(module: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    """Whether it is a plain strided 1x1 convolution of torch's without padding or groups."""
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.padding == (0, 0)
        and module.groups == 1
    )
