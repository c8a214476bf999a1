"""The fixed point of f, and its gradient: Broyden's method of torchdeq around the multiscale layer.

Source: see `search_space.equilibrium.configurations`; the gradient is the implicit function theorem's, whose linear
system Broyden's method solves, too. In torchdeq each image stops by its own residual and keeps its own best iterate,
where the owners take one norm over the batch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.baselines.evolution import extra
from search_space.equilibrium.configurations import CONFIGURATIONS
from search_space.equilibrium.layer import MultiscaleLayer, start_normal
from search_space.primitives.registry import Size

TOLERANCE = 1e-3  # of the residual, relative on small images and absolute on large ones; forward and backward
JACOBIAN_VECTORS = 2


class Equilibrium(nn.Module):
    """All scales at the fixed point: the stem's features ``(N, c_1, H, W)`` to a list of ``(N, c_i, H / 2^(i-1), ...)``.

    With T the configuration's threshold, a solution has T + 1 evaluations of f in evaluation and T + 2 in training, one
    more with the graph at the point found, or fewer where the residual is small before. The first training steps unroll
    f a few times without a solver; so does evaluation after fewer steps than these. ``steps`` counts the training
    steps. Where the configuration has a loss on the Jacobian, ``extra_loss`` holds it after a training step that drew
    it, with one evaluation more, and T is shifted by -2 to 1 at random. `mean_residual` tells how near the training
    steps' solutions came.

    Args:
        name: of the configuration.
        warm_up: factor on its number of warm-up steps; 0 is none.
    """

    steps: Tensor

    def __init__(self, name: str, warm_up: float = 1.0) -> None:
        super().__init__()
        self.configuration = chosen = CONFIGURATIONS[name]
        self.warm_up_steps = round(warm_up * chosen.warm_up_steps)
        self.adaptive = True  # the solver stops where the images let it
        self.extra_loss: Tensor | None = None
        self._residual_sum: Tensor | float = 0.0
        self._solutions = 0
        first = chosen.channels[0]
        self.injection: nn.Module = nn.Identity()
        if chosen.injects_convolution:
            self.injection = nn.Sequential(
                nn.Conv2d(first, first, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU()
            )
            start_normal(self.injection)
        self.layer = MultiscaleLayer(chosen)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        extra("torchdeq")  # told here and not in the first step

    def forward(self, x: Tensor) -> list[Tensor]:
        injected, kept = self.injection(x), self.layer.keep(len(x))
        sizes = self.layer.sizes((x.shape[2], x.shape[3]))
        states = [x.new_zeros(len(x), c, *size) for c, size in zip(self.layer.widths, sizes, strict=True)]

        def once(*z: Tensor) -> list[Tensor]:
            return self.layer(z, injected, kept)

        done = int(self.steps)
        if self.training:
            self.steps += 1
            self.extra_loss = None
        if done < self.warm_up_steps and (self.training or done):
            for _ in range(self.configuration.warm_up_layers - 1):
                states = once(*states)
            self._draw_extra_loss(once, states, done, warming_up=True)
            return once(*states)
        return self._solve(once, states, done)

    def _solve(self, once: Any, states: list[Tensor], done: int) -> list[Tensor]:
        chosen = self.configuration
        broyden = extra("torchdeq.solver").get_solver("broyden")
        how = {"tol": TOLERANCE, "stop_mode": "abs" if chosen.large_images else "rel"}
        f, start = extra("torchdeq.utils.layer_utils").deq_decorator(once, states, no_stat=False)
        threshold = chosen.threshold
        if self.training and chosen.jacobian is not None:
            threshold += int(torch.randint(-2, 2, ()))
        with torch.no_grad():
            point, _, told = broyden(f, x0=start, max_iter=threshold, **how)
        if not self.training:
            return f.vec2list(point)
        self._residual_sum += told[f"{how['stop_mode']}_lowest"].mean()
        self._solutions += 1
        point = point.detach()
        self._draw_extra_loss(once, f.vec2list(point), done, warming_up=False)
        backward = {**how, "max_iter": chosen.backward_threshold}
        implicit = extra("torchdeq.grad").backward_factory(
            grad_type="ift", b_solver=broyden, b_solver_kwargs=backward
        )
        return f.vec2list(implicit(None, f, point)[0])

    def mean_residual(self) -> float | None:
        """Mean over images and training steps since it was last asked, at the points that were taken: of f(z) - z, on
        small images relative to f(z). None where no step had a solver."""
        mean = float(self._residual_sum) / self._solutions if self._solutions else None
        self._residual_sum, self._solutions = 0.0, 0
        return mean

    def _draw_extra_loss(self, once: Any, states: list[Tensor], done: int, *, warming_up: bool) -> None:
        """Sets ``extra_loss`` where this training step has it: Hutchinson's estimate, by element."""
        chosen = self.configuration.jacobian
        if not self.training or chosen is None:
            return
        weight = chosen.weight_at(done, warming_up)
        if not weight or float(torch.rand(())) >= chosen.share:
            return
        f, point = extra("torchdeq.utils.layer_utils").deq_decorator(once, states, no_stat=False)
        point = point.detach().requires_grad_()
        estimate = extra("torchdeq.loss").jac_reg
        with torch.enable_grad():
            self.extra_loss = weight * estimate(f(point), point, vecs=JACOBIAN_VECTORS)

    def evaluation_cost(self, size: Size) -> Cost:
        """Of one evaluation of f, without parameters."""
        once = self.layer.cost(size)
        return Cost(0, once.macs, once.macs_published)

    def cost(self, size: Size) -> Cost:
        """In evaluation, with all T + 1 evaluations of f."""
        total = self.layer.cost(size) + self.evaluation_cost(size) * self.configuration.threshold
        if self.configuration.injects_convolution:
            first = self.configuration.channels[0]
            total += conv_cost(first, first, 1, size) + norm_cost(first, size)
        return total


class Stem(nn.Module):
    """3x3, BN, ReLU, 3x3, BN, ReLU; with stride 2 twice on large images: ``(N, C, H, W) -> (N, channels, ...)``."""

    def __init__(self, in_channels: int, channels: int, large_images: bool) -> None:
        super().__init__()
        self.stride = stride = 2 if large_images else 1
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        start_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(x)))

    def _halved(self, size: Size) -> Size:
        return -(-size[0] // self.stride), -(-size[1] // self.stride)

    def out_size(self, size: Size) -> Size:
        return self._halved(self._halved(size))

    def cost(self, size: Size) -> Cost:
        before, channels = self.conv1.in_channels, self.conv1.out_channels
        first = self._halved(size)
        last = self._halved(first)
        return (
            conv_cost(before, channels, 3, first) + norm_cost(channels, first)
            + conv_cost(channels, channels, 3, last) + norm_cost(channels, last)
        )  # fmt: skip
