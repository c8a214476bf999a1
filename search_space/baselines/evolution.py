"""Features that evolve by a learned equation: Neural-ODE and NeuPDE, solved by torchdiffeq.

Sources: Chen, Rubanova, Bettencourt and Duvenaud, "Neural Ordinary Differential Equations", NeurIPS 2018;
Sun, Zhang and Schaeffer, "NeuPDE: Neural Network Based Ordinary and Partial Differential Equations for
Modeling Time-Dependent Data", MSML 2020. Of the latter's classifiers no code, number of blocks, width or solver is
known here: `neupde` says what was guessed.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, norm_cost
from records.errors import UserError
from search_space.families.mnist import group_norm
from search_space.primitives.registry import Size


def extra(module: str) -> Any:
    """A module of the optional extra. Raises ``UserError`` saying how it is installed."""
    try:
        with torch.device("cpu"):  # torchdiffeq makes its tables on import; a caller may be on "meta"
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UserError(f"{module} is not installed; it comes with: pip install 'pde-nas[ode]'") from error


class TimeConvolution(nn.Module):
    """3x3 convolution of the features and a channel that holds the time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels + 1, channels, 3, padding=1)

    def forward(self, t: Tensor, x: Tensor) -> Tensor:
        return self.conv(torch.cat((torch.ones_like(x[:, :1]) * t, x), 1))


class ConvolutionField(nn.Module):
    """Neural-ODE's dx/dt: GN, ReLU, convolution, GN, ReLU, convolution, GN; convolutions see the time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.norm1, self.norm2, self.norm3 = (group_norm(channels) for _ in range(3))
        self.conv1, self.conv2 = TimeConvolution(channels), TimeConvolution(channels)

    def forward(self, t: Tensor, x: Tensor) -> Tensor:
        x = self.conv1(t, F.relu(self.norm1(x)))
        return self.norm3(self.conv2(t, F.relu(self.norm2(x))))

    def cost(self, size: Size) -> Cost:
        """Of one evaluation."""
        c = self.channels
        return conv_cost(c + 1, c, 3, size, bias=True) * 2 + norm_cost(c, size) * 3


class DifferentialField(nn.Module):
    """NeuPDE's du/dt = F(u, u_x, u_y, u_xx, u_yy): central differences, then a pointwise network.

    The derivatives have fixed weights; the function of them is GN, 1x1 to twice the channels, ReLU, 1x1 and is learned.
    The differences are of the equation's own arithmetic, which is not among the published MACs.
    """

    stencils: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels, self.hidden = channels, 2 * channels
        kernels = torch.zeros(5, 3, 3, device="cpu")
        kernels[0, 1, 1] = 1.0
        kernels[1, 0, 1], kernels[1, 2, 1] = -0.5, 0.5
        kernels[2, 1, 0], kernels[2, 1, 2] = -0.5, 0.5
        kernels[3, :, 1] = torch.tensor([1.0, -2.0, 1.0], device="cpu")
        kernels[4, 1, :] = torch.tensor([1.0, -2.0, 1.0], device="cpu")
        self.register_buffer("stencils", kernels[:, None].repeat(channels, 1, 1, 1), persistent=False)
        self.norm = group_norm(channels)
        self.conv1 = nn.Conv2d(5 * channels, self.hidden, 1)
        self.conv2 = nn.Conv2d(self.hidden, channels, 1)

    def forward(self, t: Tensor, x: Tensor) -> Tensor:
        padded = F.pad(self.norm(x), (1, 1, 1, 1), mode="replicate")
        terms = F.conv2d(padded, self.stencils.to(x.dtype), groups=self.channels)
        return self.conv2(F.relu(self.conv1(terms)))

    def cost(self, size: Size) -> Cost:
        """Of one evaluation."""
        c, hidden = self.channels, self.hidden
        fixed = Cost(0, conv_cost(c, 5 * c, 3, size, groups=c).macs, 0)
        pointwise = conv_cost(5 * c, hidden, 1, size, bias=True) + conv_cost(hidden, c, 1, size, bias=True)
        return fixed + pointwise + norm_cost(c, size)


class Evolution(nn.Module):
    """The features at time 1, having been ``x`` at time 0; ``(N, C, H, W)`` to the same.

    Args:
        field: dx/dt as a module of (t, x).
        evaluations: of the field in one solution. "midpoint" takes exactly so many, 2 a step; "dopri5" chooses its
            own number, and ``evaluations`` is what its cost is stated for.
        solver: "midpoint" or "dopri5"; the latter's gradient is the adjoint equation's.
        tolerance: relative and absolute, of "dopri5".
    """

    def __init__(self, field: nn.Module, evaluations: int, solver: str, tolerance: float = 1e-3) -> None:
        super().__init__()
        self.field, self.evaluations, self.solver, self.tolerance = field, evaluations, solver, tolerance
        self.adaptive = solver == "dopri5"  # as many evaluations as the images need
        # Told here and not in the first step; a module cannot be copied, so none is kept.
        extra("torchdiffeq")

    def forward(self, x: Tensor) -> Tensor:
        library = extra("torchdiffeq")
        steps = self.evaluations // 2 if self.solver == "midpoint" else 1
        if self.solver == "midpoint" and torch.compiler.is_exporting():
            return self._written_out(x, steps)
        times = torch.linspace(0.0, 1.0, steps + 1, device=x.device)
        if self.solver == "midpoint":
            return library.odeint(self.field, x, times, method="midpoint")[-1]
        tolerances = {"rtol": self.tolerance, "atol": self.tolerance}
        return library.odeint_adjoint(self.field, x, times, method="dopri5", **tolerances)[-1]

    def _written_out(self, x: Tensor, steps: int) -> Tensor:
        """What torchdiffeq's "midpoint" computes without its checks, which look at values."""
        dt = 1.0 / steps
        for step in range(steps):
            t = step * dt
            x = x + dt * self.field(t + dt / 2, x + self.field(t, x) * (dt / 2))
        return x

    def cost(self, size: Size) -> Cost:
        once: Cost = self.field.cost(size)  # type: ignore[operator]
        again = Cost(0, once.macs, once.macs_published)
        return once + again * (self.evaluations - 1)


def neural_ode(channels: int, evaluations: int) -> Evolution:
    """Neural-ODE's block, solved by dopri5."""
    return Evolution(ConvolutionField(channels), evaluations, "dopri5")


def neupde(channels: int, evaluations: int) -> Evolution:
    """A NeuPDE block as guessed: `DifferentialField` with a hidden width of twice the channels, by the midpoint rule.

    Reasons: the poster's counts of both data sets. On MNIST, in the frame of the Neural-ODE network with its 64
    channels, 20 evaluations have 182,346 parameters and 49,419,264 published MACs (poster: 180K, 50M). On CIFAR, three
    stages of 128, 256 and 512 channels with a basic block of stride 2 between them, 6 evaluations have 8,780,388 and
    4,100,835,328 with 100 classes (9M, 4.1B). With a hidden width of once the channels the latter has
    6.7M parameters.

    Alternatives that counts cannot tell from it: Euler's method with as many steps as evaluations; on MNIST the
    Runge-Kutta method with 5 steps; there, too, a sixth term, the mixed second difference, with a hidden width of 104
    (179,762 parameters and 50.1M MACs, differences counted).
    """
    return Evolution(DifferentialField(channels), evaluations, "midpoint")
