"""Strided 1x1 convolutions of few channels, which torch trains beyond their memory in channels_last.

With torch 2.11 the gradient of a 1x1 convolution with respect to its input is written a register at a time where the
stride is above 1 and the tensors are float32 in ``torch.channels_last``: with fewer channels than a register has numbers
(8 with AVX2, 16 with AVX-512) the last pixels are written beyond the tensor. Here it crashed for all of 2 to 6 input
channels, with strides of 2 and 3, on maps of 8x8 and 9x9, but not of 7x7 and 33x33; never in bfloat16, for kernels of
3x3 or without a stride.
"""

from __future__ import annotations

from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDEST = 16  # float32 numbers in a register


class StridedPointwise(nn.Conv2d):
    """A strided 1x1 convolution that takes over the parameters of another. In channels_last it picks the pixels first,
    and has no stride then.

    Examples:
        >>> convolution = nn.Conv2d(4, 8, 1, stride=2)
        >>> StridedPointwise(convolution).weight is convolution.weight
        True
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        nn.Module.__init__(self)
        self.__dict__.update({k: v for k, v in convolution.__dict__.items() if k not in self.__dict__})
        self._parameters = convolution._parameters
        self.train(convolution.training)

    def forward(self, x: Tensor) -> Tensor:
        if x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last):
            return super().forward(x)
        rows, columns = self.stride
        picked = x[:, :, ::rows, ::columns].contiguous(memory_format=torch.channels_last)
        return F.conv2d(picked, self.weight, self.bias)


def takes(module: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    """Whether it is such a convolution."""
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.padding == (0, 0)
        and module.groups == 1
        and module.in_channels < WIDEST
    )
