"""timm's mobile blocks with their costs: inverted residuals, separable convolutions, stem and heads.

Sources: Sandler et al., "MobileNetV2", CVPR 2018; Howard et al., "Searching for MobileNetV3", ICCV 2019; Tan
and Le, "EfficientNet", ICML 2019; the modules are timm's (``timm.models._efficientnet_blocks``).
"""

from __future__ import annotations

import functools
from typing import Any, cast

from timm.layers import make_divisible
from timm.models._efficientnet_blocks import DepthwiseSeparableConv, InvertedResidual, SqueezeExcite
from timm.models._efficientnet_builder import efficientnet_init_weights
from torch import Tensor, nn

from pde_ops.cost import Cost, conv_cost, linear_cost, norm_cost
from search_space.cells.drop_path import DropPath
from search_space.primitives.registry import Size, strided

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU, "hard-swish": nn.Hardswish,
}  # fmt: skip


def _squeeze(kind: str, expansion: float) -> Any:
    """timm's factory for a squeeze-and-excitation of a quarter of the block's input or of its expansion."""
    if not kind:
        return None
    if kind == "of-input":
        return functools.partial(SqueezeExcite, rd_ratio=0.25 / expansion)
    return functools.partial(
        SqueezeExcite, rd_ratio=0.25, gate_layer=nn.Hardsigmoid, force_act_layer=nn.ReLU,
        rd_round_fn=functools.partial(make_divisible, divisor=8),
    )  # fmt: skip


class MobileBlock(nn.Module):
    """An inverted residual, or with ``expansion`` 0 a depthwise-separable convolution.

    ``(N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``, with a skip where
    neither width nor size changes.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: float, squeeze: str,
        activation: str,
    ) -> None:  # fmt: skip
        super().__init__()
        self.stride = stride
        options: dict[str, Any] = {
            "dw_kernel_size": kernel, "stride": stride, "act_layer": ACTIVATIONS[activation],
            "se_layer": _squeeze(squeeze, expansion or 1.0),
        }  # fmt: skip
        if expansion:
            self.block: Any = InvertedResidual(in_channels, out_channels, exp_ratio=expansion, **options)
        else:
            self.block = DepthwiseSeparableConv(in_channels, out_channels, **options)
        # One a block, so that depth is counted; timm's block has a use for it where there is a skip.
        (self.block if self.block.has_skip else self).drop_path = DropPath()
        efficientnet_init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)

    def out_size(self, size: Size) -> Size:
        return strided(size, self.stride)

    def cost(self, size: Size) -> Cost:
        total = Cost()
        for module in self.block.children():
            if isinstance(module, SqueezeExcite):
                total += _conv(module.conv_reduce, (1, 1)) + _conv(module.conv_expand, (1, 1))
            elif isinstance(module, nn.Conv2d):
                size = strided(size, cast(int, module.stride[0]))
                total += _conv(module, size)
            elif isinstance(module, nn.BatchNorm2d):
                total += norm_cost(module.num_features, size)
        return total


def _conv(conv: nn.Conv2d, out: Size) -> Cost:
    return conv_cost(
        conv.in_channels, conv.out_channels, cast(int, conv.kernel_size[0]), out,
        groups=conv.groups, bias=conv.bias is not None,
    )  # fmt: skip


class ConvAct(nn.Module):
    """Convolution, batch norm, activation: the stem (3x3, stride 2) and the last 1x1 before pooling."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, activation: str
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.activation = ACTIVATIONS[activation]()
        efficientnet_init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(x)))

    def out_size(self, size: Size) -> Size:
        return strided(size, cast(int, self.conv.stride[0]))

    def cost(self, size: Size) -> Cost:
        out = self.out_size(size)
        return _conv(self.conv, out) + norm_cost(self.conv.out_channels, out)


class LateWidening(nn.Module):
    """MobileNetV3's head: pooling, 1x1 convolution with bias, activation, dropout, linear."""

    def __init__(
        self, in_channels: int, channels: int, classes: int, dropout: float, activation: str
    ) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv2d(in_channels, channels, 1)
        self.activation = ACTIVATIONS[activation]()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, classes)
        efficientnet_init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.conv(self.pool(x))).flatten(1)
        return self.linear(self.dropout(x))

    def cost(self, size: Size) -> Cost:
        return _conv(self.conv, (1, 1)) + linear_cost(self.linear.in_features, self.linear.out_features)
