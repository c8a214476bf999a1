"""The global layer: coefficients learned from the feature map, then the PDE across the whole of it.

Source: Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from torch import Tensor, nn

from pde_ops.coefficients import ACTIVATIONS, START_MECHANISMS, TRANSFORMS, Coefficient
from pde_ops.cost import Cost, norm_cost, pde_cost
from pde_ops.cpu import fused, prepared
from pde_ops.integrate import check_settings, integrate

INPUTS = ("source", "state")
COEFFICIENT_START = 0.05


class GlobalLayer(nn.Module):
    """Maps ``(N, C, H, W)`` to the same through ``steps`` steps of an advection-diffusion equation.

    With f the input: h = init(f); velocities u, v = act(norm(transform(h))), diffusivities Dx, Dy likewise;
    h integrated with source f by `pde_ops.integrate`; the output is act(norm(h)).

    Args:
        channels: C, of the state (init's output) and, unless ``init_changes_shape``, of the input.
        steps: steps of the PDE, K >= 1. With K = 1 the reach is the five-point stencil: not global at all.
        dt: length of a step; dx, dy: grid step and distance to the neighbour, whole numbers >= 1.
        boundary: "periodic" (published) or "zero-flux".
        velocity: what makes the velocities: one of `TRANSFORMS`, "none", or a number for both.
        diffusivity: the same for the diffusivities.
        kernel_size: odd; of "depthwise" and "full" transforms. bias: whether "depthwise" ones have one.
        init: the module that makes h from the input (None: h is the input); must give C channels.
        init_changes_shape: the source becomes init's output; needed where init changes width or resolution.
        previous: the state one step back is the "source" (published) or the "state" (`init_h0_h`).
        velocity_input: velocities are made of the "state" or of the "source" (`use_f_for_g`).
        product: u = v = act(pre_u * act(pre_v)), and Dx = Dy likewise (`use_dot`).
        use_source: whether f drives the PDE (`no_f` is False). residual: f is added to the output.
        activation: one of `ACTIVATIONS`, of coefficients and output.
        coefficient_start: standard deviation of every coefficient's normalised pre-activation before
            training, > 0; a ReLU coefficient's mean is then 0.4 of it. Small values make the layer begin
            near the identity and keep the leapfrog tame; 1 is plain batch normalisation.
        start_mechanism: "multiplier" holds that number as a fixed factor on the normalised value (its
            gain, beginning at 1, learns slowly: the dynamics of the published eps = C); "gain" makes it the
            initial value of the gain.
        coefficient_eps: eps of the coefficients' norms.
        backend: of `pde_ops.integrate`.

    Raises:
        ValueError: a setting that cannot work, naming what is accepted.
    """

    def __init__(
        self,
        channels: int,
        *,
        steps: int = 5,
        dt: float = 0.2,
        dx: int = 1,
        dy: int = 1,
        boundary: str = "periodic",
        velocity: str | float = "depthwise",
        diffusivity: str | float = "depthwise",
        kernel_size: int = 3,
        bias: bool = False,
        init: nn.Module | None = None,
        init_changes_shape: bool = False,
        previous: str = "source",
        velocity_input: str = "state",
        product: bool = False,
        use_source: bool = True,
        residual: bool = False,
        activation: str = "relu",
        coefficient_start: float = COEFFICIENT_START,
        start_mechanism: str = "multiplier",
        coefficient_eps: float = 1e-5,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        check_settings(steps=steps, dt=dt, dx=dx, dy=dy, boundary=boundary, backend=backend)
        for name, number in (("channels", channels), ("kernel_size", kernel_size)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(f"{name} is {number!r}; accepted: a whole number >= 1")
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; accepted: an odd whole number")
        _check_choice("previous", previous, INPUTS)
        _check_choice("velocity_input", velocity_input, INPUTS)
        _check_choice("activation", activation, tuple(ACTIVATIONS))
        _check_choice("start_mechanism", start_mechanism, START_MECHANISMS)
        _check_positive("coefficient_start", coefficient_start)
        _check_positive("coefficient_eps", coefficient_eps)
        if init is None and init_changes_shape:
            raise ValueError("init_changes_shape is True without init; accepted: False, or an init module")
        self.channels, self.steps, self.dt, self.dx, self.dy = channels, steps, float(dt), dx, dy
        self.boundary, self.backend = boundary, backend
        self.init = init
        self.init_changes_shape = init_changes_shape
        self.previous, self.velocity_input = previous, velocity_input
        self.product, self.use_source, self.residual = product, use_source, residual
        self.activation = activation
        common: dict[str, Any] = {
            "kernel_size": kernel_size,
            "bias": bias,
            "eps": float(coefficient_eps),
            "start": float(coefficient_start),
            "mechanism": start_mechanism,
        }
        for name, kind in (("velocity", velocity), ("diffusivity", diffusivity)):
            kind = _check_kind(name, kind)
            setattr(self, f"constant_{name}", None if isinstance(kind, str) else kind)
            for axis in "xy":
                made = Coefficient(channels, kind, **common) if isinstance(kind, str) else None
                setattr(self, f"{name}_{axis}", made)
        self.out_norm = nn.BatchNorm2d(channels)

    @classmethod
    def published(cls, channels: int, **options: Any) -> GlobalLayer:
        """The layer as its authors run it on CIFAR and MNIST: coefficient norms with eps = C, gain 1."""
        return cls(channels, **{"coefficient_eps": float(channels), "coefficient_start": 1.0, **options})

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.init is None else self.init(x)
        return self.evolve(h, h if self.init_changes_shape else x)

    def evolve(self, h: Tensor, f: Tensor) -> Tensor:
        """The layer after Init: the PDE from state ``h`` with source ``f``, both ``(N, C, H, W)``."""
        if f is h:
            out = prepared.run(self, h)
            if out is not None:
                return out
            if fused.applies(self, h):
                return fused.forward(self, h)
        return self._composed(h, f)

    def _composed(self, h: Tensor, f: Tensor) -> Tensor:
        """`evolve` by torch's own convolutions and norms around `pde_ops.integrate`."""
        act = ACTIVATIONS[self.activation]
        if h.dim() != 4 or h.shape[1] != self.channels or f.shape != h.shape:
            raise ValueError(
                f"the state is {tuple(h.shape)} and the source {tuple(f.shape)}; accepted: both "
                f"(N, {self.channels}, H, W); init_changes_shape=True makes init's output the source"
            )
        u, v = self._fields("velocity", h if self.velocity_input == "state" else f)
        diffusivity_x, diffusivity_y = self._fields("diffusivity", h)
        h = integrate(
            h, f if self.use_source else None, u, v, diffusivity_x, diffusivity_y,
            steps=self.steps, dt=self.dt, dx=self.dx, dy=self.dy,
            initial=f if self.previous == "source" and f is not h else None,
            boundary=self.boundary, backend=self.backend,
        )  # fmt: skip
        out = act(self.out_norm(h))
        return out + f if self.residual else out

    def _fields(self, name: str, made_of: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """The activated x and y coefficient, tensors like ``made_of`` or numbers."""
        constant = getattr(self, f"constant_{name}")
        if constant is not None:
            return constant, constant
        act = ACTIVATIONS[self.activation]
        x, y = getattr(self, f"{name}_x")(made_of), getattr(self, f"{name}_y")(made_of)
        if self.product:
            both = act(x * act(y))
            return both, both
        return act(x), act(y)

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size`` = (rows, columns) of the layer's input.

        Init counts where it has a ``cost(size)``; where it changes the resolution it must have an
        ``out_size(size)`` too.
        """
        total = Cost()
        if self.init is not None:
            if hasattr(self.init, "cost"):
                total += self.init.cost(size)  # type: ignore[operator]
            if hasattr(self.init, "out_size"):
                size = self.init.out_size(size)  # type: ignore[operator]
        for name in ("velocity_x", "velocity_y", "diffusivity_x", "diffusivity_y"):
            coefficient = getattr(self, name)
            if coefficient is not None:
                total += coefficient.cost(size)
        return total + pde_cost(self.channels, size, self.steps) + norm_cost(self.channels, size)

    def extra_repr(self) -> str:
        return (
            f"{self.channels}, steps={self.steps}, dt={self.dt}, dx={self.dx}, dy={self.dy}, "
            f"boundary={self.boundary!r}, activation={self.activation!r}, backend={self.backend!r}"
        )


def _check_choice(name: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"{name} is {value!r}; accepted: {', '.join(accepted)}")


def _check_positive(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} is {value!r}; accepted: a finite number > 0")


def _check_kind(name: str, kind: str | float) -> str | float:
    """A transform's name, or the number that stands for the field."""
    if kind == "none":
        return 0.0
    if isinstance(kind, str):
        _check_choice(name, kind, (*TRANSFORMS, "none", "or a number"))
        return kind
    if isinstance(kind, bool) or not isinstance(kind, Real) or not math.isfinite(kind):
        raise ValueError(f"{name} is {kind!r}; accepted: {', '.join(TRANSFORMS)}, none, or a finite number")
    if name == "diffusivity" and kind < 0:
        raise ValueError(f"{name} is {kind!r}; accepted: a number >= 0")
    return float(kind)
