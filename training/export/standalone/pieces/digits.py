"""Networks for digits, and features that evolve by an equation of a fixed number of steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def group_norm(channels: int) -> nn.GroupNorm:
    """Normalisation in 32 groups, or one a channel where there are fewer."""
    return nn.GroupNorm(min(32, channels), channels)


class DigitStem(nn.Module):
    """Batch norm, ReLU, 3x3 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.relu(self.norm(x)))


class Downsampling(nn.Module):
    """Three convolutions, of which two halve the size."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3)
        self.norm1 = group_norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 4, stride=2, padding=1)
        self.norm2 = group_norm(channels)
        self.conv3 = nn.Conv2d(channels, channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(F.relu(self.norm1(self.conv1(x))))
        return self.conv3(F.relu(self.norm2(x)))


class PreActivation(nn.Module):
    """Two 3x3 convolutions, each after a group norm and a ReLU, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = group_norm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = group_norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(y)))


class DigitHead(nn.Module):
    """Group norm, ReLU, the mean of each channel, a linear layer."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(F.relu(self.norm(x)).mean((2, 3)))


class ConvolutionFeatures(nn.Module):
    """Batch norm, ReLU, 3x3 convolution, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(F.relu(self.norm(x))))


class ResidualFeatures(nn.Module):
    """``steps`` times h + g(h), with the weights of one convolution; batch norm, ReLU.

    Each step has running statistics of its own in its batch norm.
    """

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        later = (nn.BatchNorm2d(channels, affine=False) for _ in range(steps - 1))
        self.statistics = nn.ModuleList(later)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.out_norm = nn.BatchNorm2d(channels)

    def forward(self, h: Tensor) -> Tensor:
        weight, bias = self.norm.weight[:, None, None], self.norm.bias[:, None, None]
        h = h + self.conv(F.relu(self.norm(h)))
        for norm in self.statistics:
            h = h + self.conv(F.relu(norm(h) * weight + bias))
        return F.relu(self.out_norm(h))


class PooledClassifier(nn.Module):
    """The mean of each 4x4 pixels, a linear layer of all of them."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(F.avg_pool2d(x, 4).flatten(1))


class DifferentialField(nn.Module):
    """du/dt as a learned function of u and its differences (NeuPDE)."""

    stencils: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        slope, bend = torch.tensor([-0.5, 0.0, 0.5]), torch.tensor([1.0, -2.0, 1.0])
        kernels = torch.zeros(5, 3, 3)
        kernels[0, 1, 1] = 1.0
        kernels[1, :, 1], kernels[2, 1, :] = slope, slope
        kernels[3, :, 1], kernels[4, 1, :] = bend, bend
        stencils = kernels[:, None].repeat(channels, 1, 1, 1)
        self.register_buffer("stencils", stencils, persistent=False)
        self.norm = group_norm(channels)
        self.conv1 = nn.Conv2d(5 * channels, 2 * channels, 1)
        self.conv2 = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, u: Tensor) -> Tensor:
        padded = F.pad(self.norm(u), (1, 1, 1, 1), mode="replicate")
        terms = F.conv2d(padded, self.stencils, groups=u.shape[1])
        return self.conv2(F.relu(self.conv1(terms)))


class Evolution(nn.Module):
    """The features at time 1, by ``steps`` steps of the midpoint rule from time 0."""

    def __init__(self, field: nn.Module, steps: int) -> None:
        super().__init__()
        self.field, self.steps = field, steps

    def forward(self, x: Tensor) -> Tensor:
        dt = 1 / self.steps
        for _ in range(self.steps):
            x = x + dt * self.field(x + dt / 2 * self.field(x))
        return x
