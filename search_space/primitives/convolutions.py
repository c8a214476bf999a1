"""The primitives of DARTS: separable and dilated convolutions, pooling, skip connection.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, section 3.1.1. In all,
activation, convolution and normalisation come in this order, and padding is such that a stride of 2 halves
the size and rounds it up.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.primitives.registry import Primitive, Size, register_primitive, strided


class ReluConvNorm(nn.Sequential):
    """ReLU, 1x1 convolution, batch norm: ``(N, in_channels, H, W) -> (N, out_channels, H, W)``."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.ReLU(), nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
        )

    @staticmethod
    def cost(in_channels: int, out_channels: int, size: Size) -> Cost:
        """Cost for an input of ``size``."""
        return conv_cost(in_channels, out_channels, 1, size) + norm_cost(out_channels, size)


class FactorizedReduction(nn.Module):
    """Halves the size with two 1x1 convolutions of stride 2, one on even and one on odd pixels.

    ``(N, in_channels, H, W) -> (N, out_channels, ceil(H / 2), ceil(W / 2))``; ReLU before, batch norm after.
    An odd number of rows or columns gets one of zeros. With one output channel the odd pixels are not used.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        odd = out_channels // 2
        self.even = nn.Conv2d(in_channels, out_channels - odd, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(in_channels, odd, 1, stride=2, bias=False) if odd else None
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = x.shape[2] % 2, x.shape[3] % 2
        x = F.relu(x)
        if rows or columns:
            x = F.pad(x, (0, columns, 0, rows))
        halves = [self.even(x)]
        if self.odd is not None:
            halves.append(self.odd(x[:, :, 1:, 1:]))
        return self.norm(torch.cat(halves, 1))

    @staticmethod
    def cost(in_channels: int, out_channels: int, size: Size) -> Cost:
        """Cost for an input of ``size``."""
        out = strided(size, 2)
        return conv_cost(in_channels, out_channels, 1, out) + norm_cost(out_channels, out)


@register_primitive("skip_connect")
class SkipConnect(Primitive):
    """The input itself; with stride 2 a factorized reduction."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.dropped = stride > 1
        self.reduce = nn.Identity() if stride == 1 else FactorizedReduction(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduce(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        return Cost() if stride == 1 else FactorizedReduction.cost(channels, channels, size)


class _Pool(Primitive):
    """3x3 pooling with padding. Nothing follows it, as in the networks that DARTS trains at the end."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.layer = self.pool(stride)

    @staticmethod
    @abstractmethod
    def pool(stride: int) -> nn.Module: ...

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        return Cost()


@register_primitive("max_pool_3x3")
class MaxPool(_Pool):
    @staticmethod
    def pool(stride: int) -> nn.Module:
        return nn.MaxPool2d(3, stride, padding=1)


@register_primitive("avg_pool_3x3")
class AveragePool(_Pool):
    """The mean over those of the 3x3 pixels that lie in the image."""

    @staticmethod
    def pool(stride: int) -> nn.Module:
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)


class _Separable(Primitive):
    """``repeats`` times: ReLU, depthwise convolution (first: with stride), 1x1 convolution, batch norm."""

    kernel: ClassVar[int]
    dilation: ClassVar[int] = 1
    repeats: ClassVar[int] = 1

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        layers: list[nn.Module] = []
        for step in (stride, 1)[: self.repeats]:
            depthwise = nn.Conv2d(
                channels, channels, self.kernel, step,
                padding=self.dilation * (self.kernel // 2), dilation=self.dilation, groups=channels,
                bias=False,
            )  # fmt: skip
            pointwise = nn.Conv2d(channels, channels, 1, bias=False)
            layers += [nn.ReLU(), depthwise, pointwise, nn.BatchNorm2d(channels)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        out = strided(size, stride)
        depthwise = conv_cost(channels, channels, cls.kernel, out, groups=channels)
        return (depthwise + conv_cost(channels, channels, 1, out) + norm_cost(channels, out)) * cls.repeats


@register_primitive("sep_conv_3x3")
class SeparableConv3(_Separable):
    kernel, repeats = 3, 2


@register_primitive("sep_conv_5x5")
class SeparableConv5(_Separable):
    kernel, repeats = 5, 2


@register_primitive("dil_conv_3x3")
class DilatedConv3(_Separable):
    """A 3x3 convolution whose taps are two pixels apart."""

    kernel, dilation = 3, 2


@register_primitive("dil_conv_5x5")
class DilatedConv5(_Separable):
    """A 5x5 convolution whose taps are two pixels apart."""

    kernel, dilation = 5, 2
