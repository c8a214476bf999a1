"""f of MDEQ, the layer whose fixed point is sought: residual blocks, fusion of all scales with all, a last 1x1 each.

Source: see `search_space.equilibrium.configurations`. What is made once in a forward pass and kept for all evaluations,
normalised weights and dropout masks, is a `Kept`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.equilibrium.configurations import Configuration
from search_space.primitives.registry import Size, strided

START = 0.01  # standard deviation of the convolutions' weights and biases


def start_normal(module: nn.Module) -> None:
    """Starts all convolutions in ``module``, but for those that are weight-normalised, as the owners do."""
    for each in module.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.normal_(each.weight, 0.0, START)
            if each.bias is not None:
                nn.init.normal_(each.bias, 0.0, START)


class NormalisedWeight(nn.Module):
    """The weight of a convolution with odd kernel, stride 1 and no bias: gain times direction, for each filter.

    It starts as PyTorch starts a convolution, uniform within 1 / sqrt(fan-in), with the gain that this has: the owners'
    own start reaches only a tensor that is computed from it and replaced.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.empty(out_channels, in_channels, kernel, kernel))
        nn.init.kaiming_uniform_(self.direction, a=math.sqrt(5))
        self.gain = nn.Parameter(self.lengths().detach().clone())

    def lengths(self) -> Tensor:
        return self.direction.pow(2).sum((1, 2, 3), keepdim=True).sqrt()

    def forward(self) -> Tensor:
        return self.direction * (self.gain / self.lengths())

    def cost(self, out: Size) -> Cost:
        """Of the convolution with it and of the gains; the norms are computed once a pass and count nothing."""
        filters, channels, kernel, _ = self.direction.shape
        return conv_cost(channels, filters, kernel, out) + Cost(filters)


@dataclass(frozen=True)
class Kept:
    """By scale: the weights of the block's two convolutions and of the last one, and the dropout's mask or None."""

    weights: list[tuple[Tensor, Tensor, Tensor]]
    masks: list[Tensor | None]


class ResidualBlock(nn.Module):
    """GN(ReLU(z + GN(drop(3x3(ReLU(GN(3x3(z))))) + injected))); the first 3x3 widens by the expansion."""

    def __init__(self, channels: int, expansion: int, groups: int) -> None:
        super().__init__()
        inner = expansion * channels
        self.widen = NormalisedWeight(channels, inner, 3)
        self.narrow = NormalisedWeight(inner, channels, 3)
        self.norm1 = nn.GroupNorm(groups, inner)
        self.norm2, self.norm3 = nn.GroupNorm(groups, channels), nn.GroupNorm(groups, channels)

    def forward(
        self, z: Tensor, injected: Tensor | None, widen: Tensor, narrow: Tensor, mask: Tensor | None
    ) -> Tensor:
        y = F.relu(self.norm1(F.conv2d(z, widen, padding=1)))
        y = F.conv2d(y, narrow, padding=1)
        if mask is not None:
            y = y * mask
        y = self.norm2(y if injected is None else y + injected)
        return self.norm3(F.relu(y + z))

    def cost(self, size: Size) -> Cost:
        norms = (
            norm_cost(cast(nn.GroupNorm, n).num_channels, size) for n in (self.norm1, self.norm2, self.norm3)
        )
        return self.widen.cost(size) + self.narrow.cost(size) + sum(norms, Cost())


class Way(nn.Sequential):
    """What another scale is passed through on its way to one: convolutions and norms; cost for an input's size."""

    def cost(self, size: Size) -> Cost:
        total = Cost()
        for module in self:
            if isinstance(module, nn.Conv2d):
                size = strided(size, cast(int, module.stride[0]))
                kernel = cast(int, module.kernel_size[0])
                total += conv_cost(module.in_channels, module.out_channels, kernel, size)
            elif isinstance(module, nn.GroupNorm):
                total += norm_cost(module.num_channels, size)
        return total


def _from_coarser(channels: int, own: int, groups: int) -> Way:
    return Way(nn.Conv2d(channels, own, 1, bias=False), nn.GroupNorm(groups, own))


def _from_finer(channels: int, own: int, halvings: int, groups: int) -> Way:
    modules: list[nn.Module] = []
    for place in range(halvings):
        last = place == halvings - 1
        out = own if last else channels
        modules += [nn.Conv2d(channels, out, 3, 2, padding=1, bias=False), nn.GroupNorm(groups, out)]
        if not last:
            modules.append(nn.ReLU())
    return Way(*modules)


class MultiscaleLayer(nn.Module):
    """f: states by scale, the finest first, and the injection of the finest scale, to the next states."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__()
        self.widths = widths = configuration.channels
        groups, self.dropout = configuration.groups, configuration.dropout
        self.blocks = nn.ModuleList(ResidualBlock(c, configuration.expansion, groups) for c in widths)
        self.ways = nn.ModuleDict()  # by "<from>-<to>"
        for to, own in enumerate(widths):
            for source, channels in enumerate(widths):
                if source > to:
                    self.ways[f"{source}-{to}"] = _from_coarser(channels, own, groups)
                elif source < to:
                    self.ways[f"{source}-{to}"] = _from_finer(channels, own, to - source, groups)
        self.last = nn.ModuleList(NormalisedWeight(c, c, 1) for c in widths)
        self.last_norms = nn.ModuleList(
            nn.GroupNorm(groups // 2, c, affine=configuration.last_norms) for c in widths
        )
        start_normal(self.ways)

    def keep(self, images: int) -> Kept:
        """What one forward pass of so many images keeps; masks in training alone, one for an image and channel."""
        weights = [
            (block.widen(), block.narrow(), last())  # type: ignore[operator]
            for block, last in zip(self.blocks, self.last, strict=True)
        ]
        masks: list[Tensor | None] = [None] * len(self.widths)
        if self.training and self.dropout:
            stays = 1.0 - self.dropout
            masks = [
                torch.empty(images, c, 1, 1, dtype=w[0].dtype, device=w[0].device).bernoulli_(stays) / stays
                for c, w in zip(self.widths, weights, strict=True)
            ]
        return Kept(weights, masks)

    def forward(self, states: Sequence[Tensor], injected: Tensor, kept: Kept) -> list[Tensor]:
        own = []
        for scale, (block, z) in enumerate(zip(self.blocks, states, strict=True)):
            widen, narrow, _ = kept.weights[scale]
            own.append(block(z, None if scale else injected, widen, narrow, kept.masks[scale]))
        fused = []
        for to, total in enumerate(own):
            size = total.shape[2:]
            for source, features in enumerate(own):
                if source == to:
                    continue
                passed = self.ways[f"{source}-{to}"](features)
                total = total + (F.interpolate(passed, size=size) if source > to else passed)
            fused.append(self.last_norms[to](F.conv2d(F.relu(total), kept.weights[to][2])))
        return fused

    def sizes(self, size: Size) -> list[Size]:
        """Of the scales, the finest's given."""
        found = [size]
        for _ in self.widths[1:]:
            found.append(strided(found[-1], 2))
        return found

    def cost(self, size: Size) -> Cost:
        """Of one evaluation; ``size`` is the finest scale's."""
        total, sizes = Cost(), self.sizes(size)
        for block, last, norm, at in zip(self.blocks, self.last, self.last_norms, sizes, strict=True):
            total += block.cost(at) + last.cost(at)  # type: ignore[operator]
            norm = cast(nn.GroupNorm, norm)
            total += norm_cost(norm.num_channels, at, affine=norm.affine)
        for name, way in self.ways.items():
            total += cast(Way, way).cost(sizes[int(name.partition("-")[0])])
        return total
