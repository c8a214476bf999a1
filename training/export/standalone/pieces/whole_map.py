"""Layers that reach the whole map at once, and the norm of a global layer's coefficients."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ScaledNorm(nn.BatchNorm2d):
    """Batch norm whose gain counts ``multiplier`` times."""

    def __init__(self, channels: int, multiplier: float, eps: float = 1e-5) -> None:
        super().__init__(channels, eps)
        self.multiplier = multiplier

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight * self.multiplier,
            self.bias,
            self.training,
            eps=self.eps,
        )


class SeparableConvolution(nn.Module):
    """Depthwise 3x3, then 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels,
            channels,
            3,
            padding=1,
            groups=channels,
            bias=False,
        )
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


class SeparableBasicBlock(nn.Module):
    """Two separable convolutions with batch norms, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = SeparableConvolution(channels)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = SeparableConvolution(channels)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + x)


def heat_matrices(time: Tensor, size: int) -> Tensor:
    """exp(-time L) for lines of ``size`` cells, one matrix for each channel.

    L is the second difference between insulated ends; the cosines of the DCT-II are
    its eigenvectors.
    """
    cells = torch.arange(size, dtype=torch.float64, device=time.device)
    frequencies = math.pi / size * cells
    cosines = torch.cos(frequencies[:, None] * (cells + 0.5))
    cosines = cosines / cosines.norm(dim=1, keepdim=True)
    decay = torch.exp(-time[:, None] * (2 - 2 * torch.cos(frequencies)))
    return torch.einsum("cm,mi,mj->cij", decay, cosines, cosines).to(time.dtype)


class HeatLayer(nn.Module):
    """Heat flow across the whole map, solved exactly; batch norm, ReLU.

    Of each channel are learned the time that heat flows along rows and along columns,
    and how much of the way to the result is gone.
    """

    def __init__(
        self,
        channels: int,
        init: nn.Module | None = None,  # if init
    ) -> None:
        super().__init__()
        self.init = nn.Identity() if init is None else init  # if init
        self.log_time = nn.Parameter(torch.zeros(2, channels))
        self.amount = nn.Parameter(torch.ones(channels))
        self.out_norm = nn.BatchNorm2d(channels)

    def forward(self, h: Tensor) -> Tensor:
        h = self.init(h)  # if init
        time_x, time_y = self.log_time.exp()
        rows = heat_matrices(time_x, h.shape[2])
        columns = heat_matrices(time_y, h.shape[3])
        h = h + self.amount[:, None, None] * (rows @ h @ columns - h)
        return F.relu(self.out_norm(h))


class WholeMapCoefficient(nn.Module):
    """A velocity or diffusivity of each cell: depthwise convolution, batch norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.transform = nn.Conv2d(
            channels,
            channels,
            3,
            padding=1,
            groups=channels,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.transform(x))


class ImplicitLayer(nn.Module):
    """One implicit step of dH/dt = D Laplace(H) + v grad H + H; batch norm, ReLU.

    It is split by directions, upwind for the velocity; nothing passes the walls. The
    length of the step is learned for each channel.
    """

    def __init__(
        self,
        channels: int,
        init: nn.Module | None = None,  # if init
    ) -> None:
        super().__init__()
        self.init = nn.Identity() if init is None else init  # if init
        self.velocity_x = WholeMapCoefficient(channels)
        self.velocity_y = WholeMapCoefficient(channels)
        self.diffusivity_x = WholeMapCoefficient(channels)
        self.diffusivity_y = WholeMapCoefficient(channels)
        self.log_time = nn.Parameter(torch.zeros(channels))
        self.out_norm = nn.BatchNorm2d(channels)

    def forward(self, h: Tensor) -> Tensor:
        h = self.init(h)  # if init
        time = self.log_time.exp()[:, None, None]
        g = implicit(h, self.velocity_x(h), self.diffusivity_x(h), time, 2)
        g = implicit(g, self.velocity_y(h), self.diffusivity_y(h), time, 3)
        return F.relu(self.out_norm(g + time * h))


def implicit(
    h: Tensor,
    velocity: Tensor,
    diffusivity: Tensor,
    time: Tensor,
    dim: int,
) -> Tensor:
    """g with g - time (D g'' + v g') = h along ``dim``: a tridiagonal system a line.

    Solved by cyclic reduction: each round ties a cell to cells twice as far away.
    """
    diffusion = F.relu(diffusivity) + 0.1
    before = time * (diffusion + F.relu(-velocity))
    after = time * (diffusion + F.relu(velocity))
    before = shifted(shifted(before, -1, dim), 1, dim)  # 0 in a line's first cell
    after = shifted(shifted(after, 1, dim), -1, dim)  # 0 in its last one
    diagonal = 1 + before + after
    before, after, g = before / diagonal, after / diagonal, h / diagonal
    distance = 1
    while distance < h.shape[dim]:
        diagonal = 1 - before * shifted(after, distance, dim)
        diagonal = diagonal - after * shifted(before, -distance, dim)
        g = g + before * shifted(g, distance, dim) + after * shifted(g, -distance, dim)
        g = g / diagonal
        before = before * shifted(before, distance, dim) / diagonal
        after = after * shifted(after, -distance, dim) / diagonal
        distance *= 2
    return g


def shifted(field: Tensor, distance: int, dim: int) -> Tensor:
    """For each cell the value ``distance`` cells before it, 0 where there is none."""
    ends = (distance, -distance)
    return F.pad(field, ends if dim == 3 else (0, 0, *ends))
