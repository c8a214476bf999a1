"""Strided 1x1 convolutions of maps in the channels-last order, on a CPU.

Torch 2.11's gradient of such a convolution writes beyond its buffer where the input has 2 to 7 channels (found with
glibc's heap checks: float32, AVX2, stride 2; not with 1 channel, nor from 8 on, nor with larger kernels). Taking every
second pixel first and convolving those is the same sum, without that gradient.
"""

from __future__ import annotations

from typing import TypeGuard

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
        if x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last):
            return super().forward(x)
        rows, columns = self.stride
        return F.conv2d(x[:, :, ::rows, ::columns], self.weight, self.bias)


def takes(module: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    """Whether it is a plain strided 1x1 convolution of torch's without padding or groups."""
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.padding == (0, 0)
        and module.groups == 1
    )
