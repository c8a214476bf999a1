"""The small convolutional modules a global layer is made with: coefficient maps and Init blocks.

Each has ``cost((H, W)) -> Cost`` for one image of that input size, and keeps that size. Parameter names are
those of the published code, so its weights load by name.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, norm_cost


class Convolution(nn.Conv2d):
    """A stride-1 convolution that keeps rows and columns (zero padding, odd kernel)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, groups: int = 1, bias: bool = False
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2, groups=groups, bias=bias)

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size``."""
        return conv_cost(
            self.in_channels, self.out_channels, self.kernel_size[0], size,
            groups=self.groups, bias=self.bias is not None,
        )  # fmt: skip


class SeparableConvolution(nn.Module):
    """Depthwise then 1x1 convolution."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = Convolution(in_channels, in_channels, kernel, groups=in_channels)
        self.pointwise = Convolution(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size``."""
        return self.depthwise.cost(size) + self.pointwise.cost(size)


class Identity(nn.Module):
    """The input itself, at no cost."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def cost(self, size: tuple[int, int]) -> Cost:
        """Nothing."""
        return Cost()


class BasicBlock(nn.Module):
    """3x3-BN-ReLU-3x3-BN plus skip, then ReLU; a 1x1-BN projection where the width changes.

    Examples:
        >>> import torch
        >>> BasicBlock(8, 16)(torch.zeros(1, 8, 4, 4)).shape
        torch.Size([1, 16, 4, 4])
    """

    def __init__(self, in_channels: int, out_channels: int | None = None, *, separable: bool = False) -> None:
        super().__init__()
        out_channels = in_channels if out_channels is None else out_channels
        convolution = SeparableConvolution if separable else Convolution
        self.out_channels = out_channels
        self.conv1 = convolution(in_channels, out_channels, 3)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = convolution(out_channels, out_channels, 3)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Sequential | None = None
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                Convolution(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        skip = x if self.shortcut is None else self.shortcut(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + skip)

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size``."""
        total = self.conv1.cost(size) + self.conv2.cost(size) + norm_cost(self.out_channels, size) * 2
        if self.shortcut is not None:
            total += self.shortcut[0].cost(size) + norm_cost(self.out_channels, size)  # type: ignore[operator]
        return total


class Bottleneck(nn.Module):
    """1x1-BN-ReLU-3x3-BN-ReLU-1x1-BN plus skip, then ReLU, at one width (expansion 1).

    Examples:
        >>> Bottleneck(8).cost((4, 4)).macs
        11264
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv1 = Convolution(channels, channels, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = Convolution(channels, channels, 3)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = Convolution(channels, channels, 1)
        self.bn3 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + x)

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size``."""
        convolutions = self.conv1.cost(size) + self.conv2.cost(size) + self.conv3.cost(size)
        return convolutions + norm_cost(self.channels, size) * 3


class DenseInit(nn.Module):
    """BN-ReLU-1x1(C to 2C)-BN-ReLU-3x3(2C to C) without skip: the Init of the published DenseNet-Global.

    Examples:
        >>> import torch
        >>> DenseInit(8)(torch.zeros(1, 8, 4, 4)).shape
        torch.Size([1, 8, 4, 4])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = Convolution(channels, 2 * channels, 1)
        self.norm2 = nn.BatchNorm2d(2 * channels)
        self.conv2 = Convolution(2 * channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(F.relu(self.norm1(x)))
        return self.conv2(F.relu(self.norm2(x)))

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size``."""
        norms = norm_cost(self.channels, size) + norm_cost(2 * self.channels, size)
        return norms + self.conv1.cost(size) + self.conv2.cost(size)
