"""The implicit layer: coefficients learned from the feature map, then one implicit step across the whole of it."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.coefficients import Coefficient
from pde_ops.cost import Cost, implicit_cost, norm_cost
from pde_ops.cpu import fused
from pde_ops.layer import Path
from pde_ops.options import Options
from pde_ops.whole_map.operator import implicit_step, select

TIME_START = 0.1
BACKGROUND = 0.1  # diffusivity everywhere: where a ReLU is 0 on a whole line of cells, nothing would pass it


class ImplicitLayer(nn.Module):
    """Maps ``(N, C, H, W)`` to the same through one implicit step of the advection-diffusion equation.

    With h the input, or init of it: each velocity is norm(depthwise 3x3 convolution of h), of either sign, and each
    diffusivity 0.1 and the ReLU of the same; `pde_ops.implicit_step` with source h; then a batch norm and a ReLU. The
    length of the step is learned for each channel, as a logarithm so that it stays positive.

    Args:
        channels: C.
        init: a module before, which gives C channels; None: the input itself.
        time_start: length of the step before training, > 0, for coefficients of order one. Small values make the
            layer begin near the identity.
        backend: of `pde_ops.implicit_step`.

    Raises:
        ValueError: a time_start that is not a finite number > 0.

    Examples:
        >>> layer = ImplicitLayer(16)
        >>> layer(torch.zeros(2, 16, 8, 8)).shape
        torch.Size([2, 16, 8, 8])
        >>> layer.cost((8, 8))
        Cost(params=752, macs=54272, macs_published=47104)
    """

    def __init__(
        self,
        channels: int,
        *,
        init: nn.Module | None = None,
        time_start: float = TIME_START,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        if not 0 < time_start < math.inf:
            raise ValueError(f"time_start is {time_start!r}; accepted: a finite number > 0")
        self.init = init
        # The velocities keep their signs; what else the fused kernel reads of options is as in `GlobalLayer`.
        self.options = Options(
            channels=channels, steps=1, velocity_activation="identity", coefficient_start=1.0,
            start_mechanism="gain", backend=backend,
        )  # fmt: skip
        for name in fused.FIELDS:
            coefficient = Coefficient(
                channels, "depthwise", kernel_size=3, bias=False, eps=1e-5, start=1.0, mechanism="gain"
            )
            setattr(self, name, coefficient)
        self.log_time = nn.Parameter(torch.full((channels,), math.log(time_start)))
        self.out_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.init is None else self.init(x)
        if fused.unavailable(self, h) is None:
            return fused.forward(self, h, self.log_time.exp(), BACKGROUND)
        return self.composed(h)

    def composed(self, h: Tensor) -> Tensor:
        """What comes after init, by torch's own convolutions and norms around `pde_ops.implicit_step`."""
        u, v, dx, dy = (getattr(self, name)(h) for name in fused.FIELDS)
        time = self.log_time.exp()
        h = implicit_step(
            h, u, v, dx, dy, time, source=h, background=BACKGROUND, backend=self.options.backend
        )
        return F.relu(self.out_norm(h))

    @torch.no_grad()
    def path(self, x: Tensor) -> Path:
        """The way that ``self(x)`` would take now: "fused", "composed" or "eager", as a `GlobalLayer` has them.

        Init is run for it, on a copy in evaluation.

        Raises:
            ValueError: the backend cannot run for such inputs.
        """
        h = x if self.init is None else copy.deepcopy(self.init).eval()(x)
        why = fused.unavailable(self, h)
        if why is None:
            return Path("fused")
        compiled, missing = select(self.options.backend, h)
        return Path("eager" if compiled is None else "composed", f"{why}; {missing}" if missing else why)

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size`` = (rows, columns); Init counts by its own ``cost``."""
        total = Cost()
        if self.init is not None:
            total += self.init.cost(size)  # type: ignore[operator]
        for name in fused.FIELDS:
            total += getattr(self, name).cost(size)
        channels = self.log_time.numel()
        return total + Cost(channels) + implicit_cost(channels, size) + norm_cost(channels, size)

    def extra_repr(self) -> str:
        return str(self.log_time.numel())
