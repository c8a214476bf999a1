"""Building blocks of the CIFAR families; each has ``cost`` and, where it changes the size, ``out_size``."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.primitives.registry import Size, strided


class ConvNormAct(nn.Module):
    """3x3 convolution, batch norm, ReLU; ``(N, in_channels, H, W) -> (N, out_channels, H, W)``."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)), inplace=True)

    def cost(self, size: Size) -> Cost:
        out = self.conv.out_channels
        return conv_cost(self.conv.in_channels, out, 3, size) + norm_cost(out, size)


class Residual(nn.Module):
    """The basic block of He et al. 2016: 3x3-BN-ReLU-3x3-BN plus skip, then ReLU.

    ``(N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))``. Where width or size
    changes the skip is a 1x1 convolution with batch norm.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = (in_channels, out_channels), stride
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module | None = None
        if stride > 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        skip = x if self.shortcut is None else self.shortcut(x)
        x = F.relu(self.norm1(self.conv1(x)), inplace=True)
        x = self.norm2(self.conv2(x))
        x += skip
        return F.relu(x, inplace=True)

    def out_size(self, size: Size) -> Size:
        return strided(size, self.stride)

    def cost(self, size: Size) -> Cost:
        before, after = self.channels
        out = self.out_size(size)
        total = conv_cost(before, after, 3, out) + conv_cost(after, after, 3, out) + norm_cost(after, out) * 2
        if self.shortcut is not None:
            total += conv_cost(before, after, 1, out) + norm_cost(after, out)
        return total


class DenseLayer(nn.Module):
    """BN-ReLU-1x1(4 growth)-BN-ReLU-3x3(growth), put beside its input: C to C + growth channels.

    Source: Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", CVPR 2017
    (DenseNet-B).
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.channels, self.growth = channels, growth
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(F.relu(self.norm1(x)))
        return torch.cat((x, self.conv2(F.relu(self.norm2(new)))), 1)

    def cost(self, size: Size) -> Cost:
        inner = 4 * self.growth
        convolutions = conv_cost(self.channels, inner, 1, size) + conv_cost(inner, self.growth, 3, size)
        return convolutions + norm_cost(self.channels, size) + norm_cost(inner, size)


class Transition(nn.Module):
    """BN-ReLU-1x1-average pool 2: DenseNet-C's way between blocks; an odd last row or column is left out."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)

    def out_size(self, size: Size) -> Size:
        return size[0] // 2, size[1] // 2

    def cost(self, size: Size) -> Cost:
        before, after = self.conv.in_channels, self.conv.out_channels
        return norm_cost(before, size) + conv_cost(before, after, 1, size)


class NormAct(nn.Module):
    """Batch norm, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(x))

    def cost(self, size: Size) -> Cost:
        return norm_cost(self.norm.num_features, size)


class Conv3(nn.Conv2d):
    """3x3 convolution without bias that keeps the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=False)

    def cost(self, size: Size) -> Cost:
        return conv_cost(self.in_channels, self.out_channels, 3, size)
