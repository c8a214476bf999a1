"""Depthwise convolutions with batch norm: what an inverted residual block mixes pixels with.

Sources: Sandler et al., "MobileNetV2", CVPR 2018, for the plain ones; Tan and Le, "MixConv: Mixed Depthwise
Convolutional Kernels", BMVC 2019, for kernels of several sizes beside each other.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.primitives.registry import Primitive, Size, register_primitive, strided


def _depthwise(channels: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, kernel, stride, padding=kernel // 2, groups=channels, bias=False)


class _Depthwise(Primitive):
    """One convolution of each channel by itself, then batch norm."""

    kernel: ClassVar[int]
    ends_in = "norm"  # a ReLU behind it can be that module's

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.conv = _depthwise(channels, self.kernel, stride)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        out = strided(size, stride)
        return conv_cost(channels, channels, cls.kernel, out, groups=channels) + norm_cost(channels, out)


@register_primitive("depthwise_3x3")
class Depthwise3(_Depthwise):
    kernel = 3


@register_primitive("depthwise_5x5")
class Depthwise5(_Depthwise):
    kernel = 5


@register_primitive("depthwise_7x7")
class Depthwise7(_Depthwise):
    kernel = 7


@register_primitive("depthwise_split")
class DepthwiseSplit(Primitive):
    """A quarter of the channels each by a 3x3, 5x5 and 7x7 depthwise convolution, and as it is; then batch norm.

    20.75 MACs an element where 4 divides the channels. Of those left over the first goes to 3x3, the next to 5x5.
    With stride 2 the quarter that stays as it is keeps every second pixel.
    """

    KERNELS = (3, 5, 7)
    ends_in = "norm"

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.stride, self.sizes = stride, self.split(channels)
        self.convs = nn.ModuleList(
            _depthwise(size, kernel, stride) if size else nn.Identity()
            for size, kernel in zip(self.sizes, self.KERNELS, strict=False)
        )
        self.norm = nn.BatchNorm2d(channels)

    @staticmethod
    def split(channels: int) -> list[int]:
        """Channels for 3x3, 5x5, 7x7 and the identity."""
        return [(channels + 3 - place) // 4 for place in range(4)]

    def forward(self, x: Tensor) -> Tensor:
        *mixed, kept = x.split(self.sizes, 1)
        step = self.stride
        parts = [conv(part) for conv, part in zip(self.convs, mixed, strict=True) if part.shape[1]]
        return self.norm(torch.cat([*parts, kept[:, :, ::step, ::step]], 1))

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        out, total = strided(size, stride), norm_cost(channels, strided(size, stride))
        for count, kernel in zip(cls.split(channels), cls.KERNELS, strict=False):
            if count:
                total += conv_cost(count, count, kernel, out, groups=count)
        return total
