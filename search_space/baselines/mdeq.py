"""MDEQ: features at several resolutions that are together the fixed point of one layer, solved by torchdeq.

Source: Bai, Koltun and Kolter, "Multiscale Deep Equilibrium Models", NeurIPS 2020, section 3; its widths and
numbers of iterations are not taken over. Convolutions start as in its authors' public code, normal with a
standard deviation of 0.01. Unlike there, every resolution sees the image and not the finest alone, and
neither the ways between resolutions nor their sum have a norm or a convolution more: with the image at the
finest alone, group norm makes the coarse branches independent of their scale, and at random weights the
relative residual stayed near 0.1 with each of three solvers.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.baselines.evolution import extra
from search_space.families.mnist import group_norm
from search_space.primitives.registry import Size, strided

START = 0.01  # standard deviation of the convolutions' weights, as in the authors' code


class Branch(nn.Module):
    """One resolution: GN(ReLU(z + GN(3x3(ReLU(GN(3x3(z)))) + injected)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1, self.norm2, self.norm3 = (group_norm(channels) for _ in range(3))

    def forward(self, z: Tensor, injected: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.norm1(self.conv1(z))))
        y = self.norm2(y + injected)
        return self.norm3(F.relu(z + y))

    def cost(self, size: Size) -> Cost:
        c = self.channels
        return conv_cost(c, c, 3, size) * 2 + norm_cost(c, size) * 3


class MultiscaleLayer(nn.Module):
    """The function whose fixed point is sought: a branch for each resolution, then every branch sees its
    neighbours (3x3 with stride 2 downwards, 1x1 and nearest pixels upwards), ReLU and GN."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.widths = widths
        self.branches = nn.ModuleList(Branch(width) for width in widths)
        self.down = nn.ModuleList(
            nn.Conv2d(fine, coarse, 3, 2, padding=1, bias=False) for fine, coarse in pairwise(widths)
        )
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1, bias=False) for fine, coarse in pairwise(widths))
        self.norms = nn.ModuleList(group_norm(width) for width in widths)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, START)

    def forward(self, states: list[Tensor], injected: Tensor) -> list[Tensor]:
        branches = []
        for place, (branch, state) in enumerate(zip(self.branches, states, strict=True)):
            if (
                place
            ):  # half the size, twice the channels; an odd last row or column is a mean of fewer pixels
                injected = F.avg_pool2d(injected, 2, ceil_mode=True).repeat(1, 2, 1, 1)
            branches.append(branch(state, injected))
        fused = []
        for place, own in enumerate(branches):
            total = own
            if place > 0:
                total = total + self.down[place - 1](branches[place - 1])
            if place + 1 < len(branches):
                total = total + F.interpolate(self.up[place](branches[place + 1]), size=own.shape[2:])
            fused.append(self.norms[place](F.relu(total)))
        return fused

    def cost(self, size: Size) -> Cost:
        """Of one evaluation; ``size`` is the finest resolution's."""
        total = Cost()
        for place, width in enumerate(self.widths):
            total += self.branches[place].cost(size) + norm_cost(width, size)  # type: ignore[operator]
            if place + 1 < len(self.widths):
                coarse, size = self.widths[place + 1], strided(size, 2)
                total += conv_cost(width, coarse, 3, size) + conv_cost(coarse, width, 1, size)
        return total


class Equilibrium(nn.Module):
    """The coarsest features at the fixed point: ``(N, C, H, W)`` to ``(N, 4 C, ceil(H / 4), ceil(W / 4))``.

    Three resolutions with C, 2 C and 4 C channels. ``evaluations`` is the largest number of the solver's
    (Anderson acceleration); it may stop earlier where the relative change is below ``tolerance``. The
    gradient is the implicit function theorem's.
    """

    def __init__(self, channels: int, evaluations: int, tolerance: float = 1e-3) -> None:
        super().__init__()
        self.widths = (channels, 2 * channels, 4 * channels)
        self.evaluations = evaluations
        self.adaptive = True  # the solver stops where the images let it
        self.layer = MultiscaleLayer(self.widths)
        self.solve = extra("torchdeq").get_deq(
            core="indexing", ift=True, f_solver="anderson", b_solver="anderson", f_max_iter=evaluations,
            b_max_iter=evaluations, f_tol=tolerance, b_tol=tolerance,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        states, size = [], (x.shape[2], x.shape[3])
        for width in self.widths:
            states.append(x.new_zeros(x.shape[0], width, *size))
            size = strided(size, 2)
        solutions, _ = self.solve(lambda *z: self.layer(list(z), x), states)
        return solutions[-1][-1]

    def out_size(self, size: Size) -> Size:
        return strided(strided(size, 2), 2)

    def cost(self, size: Size) -> Cost:
        once = self.layer.cost(size)
        return once + Cost(0, once.macs, once.macs_published) * (self.evaluations - 1)
