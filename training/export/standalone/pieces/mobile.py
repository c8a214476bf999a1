"""Inverted residual blocks, their squeeze-and-excitation, and what stands around them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvAct(nn.Module):
    """Convolution, batch norm, activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        act: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        padding = kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.conv(x)))


class SqueezeExcite(nn.Module):
    """Each channel times a gate that all channels' means decide on."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, squeezed, 1)
        self.conv_expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv_reduce(x.mean((2, 3), keepdim=True))
        y = self.conv_expand(F.silu(y))  # if not hard
        y = self.conv_expand(F.relu(y))  # if hard
        return x * torch.sigmoid(y)  # if not hard
        return x * F.hardsigmoid(y)  # if hard


class InvertedResidual(nn.Module):
    """1x1 to ``inner`` channels, depthwise convolution, 1x1 to ``outputs`` channels.

    The input is added where neither width nor size changes (Sandler et al., 2018).
    """

    def __init__(
        self,
        inputs: int,
        inner: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        act: type[nn.Module] = nn.ReLU,
        squeeze: int = 0,  # if squeeze
    ) -> None:
        super().__init__()
        padding = kernel // 2
        self.conv_pw = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv_dw = nn.Conv2d(
            inner,
            inner,
            kernel,
            stride,
            padding,
            groups=inner,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(inner)
        self.se: nn.Module = nn.Identity()  # if squeeze
        if squeeze:  # if squeeze
            self.se = SqueezeExcite(inner, squeeze)  # if squeeze
        self.conv_pwl = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.act = act()
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.conv_pw(x)))
        y = self.act(self.bn2(self.conv_dw(y)))
        y = self.se(y)  # if squeeze
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.skip else y


class SeparableBlock(nn.Module):
    """Depthwise convolution, 1x1; the input is added where the shape stays."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        act: type[nn.Module] = nn.ReLU,
        squeeze: int = 0,  # if squeeze
    ) -> None:
        super().__init__()
        padding = kernel // 2
        self.conv_dw = nn.Conv2d(
            inputs,
            inputs,
            kernel,
            stride,
            padding,
            groups=inputs,
            bias=False,
        )
        self.bn1 = nn.BatchNorm2d(inputs)
        self.se: nn.Module = nn.Identity()  # if squeeze
        if squeeze:  # if squeeze
            self.se = SqueezeExcite(inputs, squeeze)  # if squeeze
        self.conv_pw = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.act = act()
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.conv_dw(x)))
        y = self.se(y)  # if squeeze
        y = self.bn2(self.conv_pw(y))
        return x + y if self.skip else y


class WideningClassifier(nn.Module):
    """The mean of each channel, more channels by a 1x1 convolution, a linear layer."""

    def __init__(
        self,
        inputs: int,
        channels: int,
        classes: int,
        dropout: float,
        act: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, channels, 1)
        self.act, self.dropout = act(), nn.Dropout(dropout)
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.conv(x.mean((2, 3), keepdim=True)))
        return self.linear(self.dropout(x.flatten(1)))


class SqueezeExcitation(nn.Module):
    """Each channel times a gate that all channels' means decide on."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu())
        return x * F.hardsigmoid(gate)


class MixingBlock(nn.Module):
    """1x1 to ``inner`` channels, the operations ``mix``, 1x1 to ``outputs`` channels.

    An activation follows the first 1x1 convolution and each operation; an inner width
    as the input's has no first convolution. The input is added where ``skip``.
    """

    def __init__(
        self,
        inputs: int,
        inner: int,
        outputs: int,
        mix: list[nn.Module],
        squeezed: int = 0,  # if squeeze
        act: type[nn.Module] = nn.ReLU,
        *,
        skip: bool,
    ) -> None:
        super().__init__()
        self.skip = skip
        layers: dict[str, nn.Module] = {}
        if inner > inputs:
            layers["expand"] = nn.Conv2d(inputs, inner, 1, bias=False)
            layers["expand_norm"] = nn.BatchNorm2d(inner)
            layers["expand_act"] = act()
        for place, operation in enumerate(mix):
            layers[f"mix{place}"] = operation
            layers[f"mix{place}_act"] = act()
        if squeezed:  # if squeeze
            layers["squeeze"] = SqueezeExcitation(inner, squeezed)  # if squeeze
        layers["project"] = nn.Conv2d(inner, outputs, 1, bias=False)
        layers["project_norm"] = nn.BatchNorm2d(outputs)
        self.layers = nn.Sequential()
        for name, layer in layers.items():
            self.layers.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return x + y if self.skip else y
