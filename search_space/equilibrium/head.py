"""The head of MDEQ: a bottleneck a scale, from fine to coarse into one map, and the classifier.

Source: see `search_space.equilibrium.configurations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, linear_cost, norm_cost
from search_space.equilibrium.configurations import CONFIGURATIONS
from search_space.equilibrium.layer import start_normal
from search_space.primitives.registry import Size, strided

WIDENS = 4  # output channels of a bottleneck over its inner ones


class HeadBottleneck(nn.Module):
    """ReLU(BN(1x1(ReLU(BN(3x3(ReLU(BN(1x1 x))))))) + BN(1x1 x)): to ``WIDENS`` times ``inner`` channels, the size kept.

    The norms of the three convolutions have no gain and bias, the shortcut's has them.
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.channels, self.inner = channels, inner
        out = WIDENS * inner
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
        self.norm1, self.norm2, self.norm3 = (nn.BatchNorm2d(c, affine=False) for c in (inner, inner, out))
        self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        return F.relu(self.norm3(self.conv3(y)) + self.shortcut(x))

    def cost(self, size: Size) -> Cost:
        c, h, out = self.channels, self.inner, WIDENS * self.inner
        convolutions = conv_cost(c, h, 1, size) + conv_cost(h, h, 3, size) + conv_cost(h, out, 1, size)
        norms = sum((norm_cost(n, size, affine=False) for n in (h, h, out)), Cost())
        return convolutions + norms + conv_cost(c, out, 1, size) + norm_cost(out, size)


class EquilibriumHead(nn.Module):
    """Scales as a list, the finest first, to logits ``(N, classes)``."""

    def __init__(self, name: str, classes: int) -> None:
        super().__init__()
        chosen = CONFIGURATIONS[name]
        wide = [WIDENS * inner for inner in chosen.head_channels]
        self.bottlenecks = nn.ModuleList(
            HeadBottleneck(c, inner) for c, inner in zip(chosen.channels, chosen.head_channels, strict=True)
        )
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(fine, coarse, 3, 2, padding=1), nn.BatchNorm2d(coarse), nn.ReLU())
            for fine, coarse in pairwise(wide)
        )
        self.wide = wide
        self.final = nn.Sequential(
            nn.Conv2d(wide[-1], chosen.final_channels, 1), nn.BatchNorm2d(chosen.final_channels), nn.ReLU()
        )
        start_normal(self)
        self.linear = nn.Linear(chosen.final_channels, classes)

    def forward(self, scales: Sequence[Tensor]) -> Tensor:
        features = [bottleneck(z) for bottleneck, z in zip(self.bottlenecks, scales, strict=True)]
        y = features[0]
        for down, coarser in zip(self.down, features[1:], strict=True):
            y = coarser + down(y)
        return self.linear(self.final(y).mean((2, 3)))

    def cost(self, size: Size) -> Cost:
        """``size`` is the finest scale's."""
        total, sizes = Cost(), [size]
        for _ in self.down:
            sizes.append(strided(sizes[-1], 2))
        for bottleneck, at in zip(self.bottlenecks, sizes, strict=True):
            total += cast(HeadBottleneck, bottleneck).cost(at)
        for (fine, coarse), at in zip(pairwise(self.wide), sizes[1:], strict=True):
            total += conv_cost(fine, coarse, 3, at, bias=True) + norm_cost(coarse, at)
        last, final = self.wide[-1], self.linear.in_features
        total += conv_cost(last, final, 1, sizes[-1], bias=True) + norm_cost(final, sizes[-1])
        return total + linear_cost(final, self.linear.out_features)
