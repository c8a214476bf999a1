"""What networks of cells consist of, but for the cells themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def nested(path: str, module: nn.Module) -> nn.Module:
    """``module`` below ``path``: its weights have the names of the weights file."""
    for name in reversed(path.split(".")):
        outer = nn.Sequential()
        outer.add_module(name, module)
        module = outer
    return module


class SmallStem(nn.Module):
    """3x3 convolution, batch norm: both inputs of the first cell."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.first(x)
        return x, x


class LargeStem(nn.Module):
    """The first cell's inputs, at a quarter and at an eighth of the image's size."""

    def __init__(self, inputs: int, half: int, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(inputs, half, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.Conv2d(half, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.second = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = self.first(x)
        return first, self.second(first)


class ReluConvNorm(nn.Sequential):
    """ReLU, 1x1 convolution, batch norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )


class FactorizedReduction(nn.Module):
    """Half the size: 1x1 convolutions of even and of odd pixels beside each other."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        odd = outputs // 2
        self.even = nn.Conv2d(inputs, outputs - odd, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, odd, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2)))  # to even sizes
        return self.norm(torch.cat((self.even(x), self.odd(x[:, :, 1:, 1:])), 1))


class EvenReduction(nn.Module):
    """Half the size and one channel: a 1x1 convolution of even pixels."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, 1, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.even(F.relu(x)))


class SeparableConv(nn.Sequential):
    """For each of ``strides``: ReLU, depthwise and 1x1 convolution, batch norm."""

    def __init__(
        self,
        channels: int,
        kernel: int,
        strides: tuple[int, ...],
        dilation: int = 1,  # if dilated
    ) -> None:
        super().__init__()
        padding = kernel // 2  # if not dilated
        padding = dilation * (kernel // 2)  # if dilated
        for stride in strides:
            depthwise = nn.Conv2d(
                channels,
                channels,
                kernel,
                stride,
                padding,
                dilation,  # if dilated
                groups=channels,
                bias=False,
            )
            pointwise = nn.Conv2d(channels, channels, 1, bias=False)
            self.extend([nn.ReLU(), depthwise, pointwise, nn.BatchNorm2d(channels)])


def depthwise(channels: int, kernel: int, stride: int) -> nn.Conv2d:
    """A convolution of each channel by itself."""
    return nn.Conv2d(
        channels,
        channels,
        kernel,
        stride,
        padding=kernel // 2,
        groups=channels,
        bias=False,
    )


class Depthwise(nn.Module):
    """A convolution of each channel by itself, batch norm."""

    def __init__(self, channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = depthwise(channels, kernel, stride)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class DepthwiseSplit(nn.Module):
    """A quarter of the channels each by 3x3, 5x5 and 7x7 convolutions, and as it is."""

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.sizes = [(channels + 3 - place) // 4 for place in range(4)]
        kernels = {3: self.sizes[0], 5: self.sizes[1], 7: self.sizes[2]}
        self.convs = nn.ModuleList(
            depthwise(size, kernel, stride) for kernel, size in kernels.items() if size
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        *mixed, kept = x.split(self.sizes, 1)
        parts = [conv(part) for conv, part in zip(self.convs, mixed, strict=False)]
        parts.append(kept[:, :, :: self.stride, :: self.stride])
        return self.norm(torch.cat(parts, 1))


class HalvingInit(nn.Sequential):
    """Half the size: ReLU, depthwise 3x3 and 1x1 convolution, batch norm."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 2, 1, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )


class Zeros(nn.Module):
    """No operation: zeros."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride, :: self.stride] * 0


class LayerCell(nn.Module):
    """A layer in a cell's place: it takes the last cell's output."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        return self.layer(last)


class GlobalCell(nn.Module):
    """A layer whose state is a cell's output and whose source is the last cell's."""

    def __init__(self, cell: nn.Module, layer: nn.Module) -> None:
        super().__init__()
        self.cell, self.layer = cell, layer

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        return self.layer(self.cell(before, last), last)


class AuxiliaryHead(nn.Sequential):
    """A second classifier that only the training used; its weights are in the file."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )
