"""The block of ``tiny-global``: an inverted residual whose operation across pixels is any primitive.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.cells.drop_path import DropPath
from search_space.primitives.registry import Size, get_primitive, primitive_cost, strided

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "hard-swish": nn.Hardswish, "silu": nn.SiLU}
THEN = "+"


def operations(operator: str) -> list[str]:
    """The primitives of ``depthwise_3x3+global_1``, one after the other."""
    return operator.split(THEN)


@dataclass(frozen=True)
class BlockShape:
    """The arguments of an `InvertedResidual`: what it costs is known without making its modules.

    Examples:
        >>> BlockShape(8, 8, "depthwise_3x3", 2, False, 1, "relu").cost((4, 4)).macs
        6400
    """

    in_channels: int
    out_channels: int
    operator: str
    expansion: int
    squeeze: bool
    stride: int
    activation: str

    @property
    def inner(self) -> int:
        return self.in_channels * self.expansion

    @property
    def squeezed(self) -> int:
        """Channels that the excitation squeezes to; 0 where there is none."""
        return max(1, self.in_channels // 4) if self.squeeze else 0

    def out_size(self, size: Size) -> Size:
        return strided(size, self.stride)

    def cost(self, size: Size) -> Cost:
        inner, total = self.inner, Cost()
        if self.expansion > 1:
            total += conv_cost(self.in_channels, inner, 1, size) + norm_cost(inner, size)
        out = self.out_size(size)
        for place, name in enumerate(operations(self.operator)):
            total += primitive_cost(name, inner, *((self.stride, size) if place == 0 else (1, out)))
        if self.squeeze:
            total += conv_cost(inner, self.squeezed, 1, (1, 1), bias=True)
            total += conv_cost(self.squeezed, inner, 1, (1, 1), bias=True)
        return total + conv_cost(inner, self.out_channels, 1, out) + norm_cost(self.out_channels, out)


class InvertedResidual(nn.Module):
    """1x1 to ``expansion`` times the channels, ``operator``, squeeze-and-excitation or none, 1x1 to ``out_channels``.

    ``(N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``. Batch norm follows each
    1x1 convolution; the activation follows the first one and each primitive of ``operator``, of which the first
    has the stride. With expansion 1 there is no first convolution. The input is added where neither width nor
    size changes. The excitation squeezes to a quarter of ``in_channels``.
    """

    costed_as: ClassVar[type[BlockShape]] = BlockShape

    def __init__(
        self, in_channels: int, out_channels: int, operator: str, expansion: int, squeeze: bool, stride: int,
        activation: str,
    ) -> None:  # fmt: skip
        super().__init__()
        self.of = BlockShape(in_channels, out_channels, operator, expansion, squeeze, stride, activation)
        inner = self.of.inner
        act = ACTIVATIONS[activation]
        layers: dict[str, nn.Module] = {}
        if expansion > 1:
            layers["expand"] = nn.Conv2d(in_channels, inner, 1, bias=False)
            layers |= {"expand_norm": nn.BatchNorm2d(inner), "expand_act": act()}
        for place, name in enumerate(operations(operator)):
            layers[f"mix{place}"] = get_primitive(name)(inner, stride if place == 0 else 1)
            layers[f"mix{place}_act"] = act()
        if squeeze:
            from torchvision.ops.misc import SqueezeExcitation  # half a second that most networks do not need

            layers["squeeze"] = SqueezeExcitation(inner, self.of.squeezed, scale_activation=nn.Hardsigmoid)
        layers["project"] = nn.Conv2d(inner, out_channels, 1, bias=False)
        layers["project_norm"] = nn.BatchNorm2d(out_channels)
        self.layers = nn.Sequential(OrderedDict(layers))
        self.drop_path: DropPath | None = None
        if stride == 1 and in_channels == out_channels:
            self.drop_path = DropPath()
            nn.init.zeros_(layers["project_norm"].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        out = self.layers(x)
        return out if self.drop_path is None else x + self.drop_path(out)

    def out_size(self, size: Size) -> Size:
        return self.of.out_size(size)

    def cost(self, size: Size) -> Cost:
        return self.of.cost(size)


class Stem(nn.Sequential):
    """3x3 convolution, batch norm, activation: ``(N, channels, H, W)`` to ``width`` channels, strided."""

    def __init__(self, channels: int, width: int, stride: int, activation: str) -> None:
        conv = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        super().__init__(
            OrderedDict(conv=conv, norm=nn.BatchNorm2d(width), activation=ACTIVATIONS[activation]())
        )
        self.channels, self.width, self.stride = channels, width, stride

    def out_size(self, size: Size) -> Size:
        return strided(size, self.stride)

    def cost(self, size: Size) -> Cost:
        out = self.out_size(size)
        return conv_cost(self.channels, self.width, 3, out) + norm_cost(self.width, out)
