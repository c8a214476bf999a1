"""The global layer: coefficients learned from the feature map, then the PDE across the whole of it.

Source: Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pde_ops import backends
from pde_ops.coefficients import ACTIVATIONS, Coefficient
from pde_ops.cost import Cost, norm_cost, pde_cost
from pde_ops.cpu import fused, prepared
from pde_ops.integrator import integrate
from pde_ops.options import OPTIONS, Options


@dataclass(frozen=True)
class Path:
    """Which way a call of a layer takes: see `GlobalLayer`.

    Attributes:
        name: "fused", "composed" or "eager".
        reason: why it is no faster one, in words; empty where it is "fused".

    Examples:
        >>> str(GlobalLayer(4, backend="eager").path(torch.zeros(1, 4, 8, 8)))
        "eager: the fused kernel has no backend='eager'"
    """

    name: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" if self.reason else self.name


class GlobalLayer(nn.Module):
    """Maps ``(N, C, H, W)`` to the same through ``steps`` steps of an advection-diffusion equation.

    With f the input: h = init(f); velocities u, v = act(norm(transform(h))), diffusivities Dx, Dy likewise;
    h integrated with source f by `pde_ops.integrate`; the output is act(norm(h)).

    A call takes one of three paths, of equal results; `path` says which, and why.

    - fused: One C++ kernel for everything after init, on a CPU in float32, float64 or bfloat16, where init is absent or
      ``init_changes_shape`` is True. No coefficient, convolution or norm is called. At least one of
      velocity and diffusivity is learned, all learned ones alike, by a depthwise convolution.
    - composed: torch's convolutions and norms around a compiled integrator, C++ or Triton. These options have no
      fused kernel: ``product=True``, ``activation='silu'``, ``activation='tanh'``,
      ``velocity_activation='silu'``, ``velocity_activation='tanh'``; for velocity and
      diffusivity ``'pointwise'``, ``'full'``, ``'basic-block'``, ``'separable-block'``, ``'bottleneck'``,
      ``'identity'``; ``backend='triton'``. So have an init that keeps the shape, hooks on a coefficient
      or norm, and modules put in place of the layer's own.
    - eager: The same around the definition in plain PyTorch: ``backend='eager'``, or no compiled integrator for
      this tensor on this machine.

    Args:
        channels: C, of the state (init's output) and, unless ``init_changes_shape``, of the input.
        init: the module that makes h from the input (None: h is the input); must give C channels.
        options: by name, those of `pde_ops.options.Options`, which says what they mean. Those that build
            no module may be set later, as attributes.

    Raises:
        ValueError: a setting that cannot work, naming what is accepted.

    Examples:
        >>> layer = GlobalLayer(16, steps=5)
        >>> layer(torch.zeros(2, 16, 8, 8)).shape
        torch.Size([2, 16, 8, 8])
        >>> layer.cost((8, 8))
        Cost(params=736, macs=79872, macs_published=47104)
    """

    options: Options
    init: nn.Module | None

    def __init__(self, channels: int, *, init: nn.Module | None = None, **options: Any) -> None:
        super().__init__()
        known = [option.name for option in OPTIONS]
        for name in options:
            if name not in known:
                raise TypeError(f"GlobalLayer has no option {name!r}; accepted: {', '.join(known)}")
        self.options = chosen = Options(channels=channels, **options)
        if init is None and chosen.init_changes_shape:
            raise ValueError("init_changes_shape is True without init; accepted: False, or an init module")
        self.init = init
        for name in ("velocity", "diffusivity"):
            kind = getattr(chosen, name)
            learned = chosen.numbers(name) is None
            for axis in "xy":
                coefficient = Coefficient(
                    channels,
                    kind,
                    kernel_size=chosen.kernel_size,
                    bias=chosen.bias,
                    eps=chosen.coefficient_eps,
                    start=chosen.coefficient_start,
                    mechanism=chosen.start_mechanism,
                ) if learned else None  # fmt: skip
                setattr(self, f"{name}_{axis}", coefficient)
        self.out_norm = nn.BatchNorm2d(channels)

    @classmethod
    def published(cls, channels: int, **options: Any) -> GlobalLayer:
        """The layer as its authors run it on CIFAR and MNIST: coefficient norms with eps = C, gain 1."""
        return cls(channels, **{"coefficient_eps": float(channels), "coefficient_start": 1.0, **options})

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.init is None else self.init(x)
        return self.evolve(h, h if self.options.init_changes_shape else x)

    def evolve(self, h: Tensor, f: Tensor) -> Tensor:
        """The layer after Init: the PDE from state ``h`` with source ``f``, both ``(N, C, H, W)``."""
        if f is h:
            out = prepared.run(self, h)
            if out is not None:
                return out
            if fused.unavailable(self, h) is None:
                return fused.forward(self, h)
        return self.composed(h, f)

    def composed(self, h: Tensor, f: Tensor) -> Tensor:
        """`evolve` by torch's own convolutions and norms around `pde_ops.integrate`."""
        options = self.options
        act = ACTIVATIONS[options.activation]
        self._check(h, f)
        u, v = self._fields("velocity", h if options.velocity_input == "state" else f)
        diffusivity_x, diffusivity_y = self._fields("diffusivity", h)
        h = integrate(
            h, f if options.use_source else None, u, v, diffusivity_x, diffusivity_y,
            steps=options.steps, dt=options.dt, dx=options.dx, dy=options.dy,
            initial=f if options.previous == "source" and f is not h else None,
            boundary=options.boundary, backend=options.backend,
        )  # fmt: skip
        out = act(self.out_norm(h))
        return out + f if options.residual else out

    @torch.no_grad()
    def path(self, x: Tensor) -> Path:
        """The way that ``self(x)`` would take now, with the modes and contexts that are on.

        An init that changes the shape is run for it, on a copy in evaluation. Nothing else is computed.

        Raises:
            ValueError: as the call would: channels that do not fit, or a backend that cannot run.
        """
        h, why = x, None
        if self.init is not None:
            why = "init's output is not the source"
            if self.options.init_changes_shape:
                h, why = copy.deepcopy(self.init).eval()(x), None
        why = why or fused.unavailable(self, h)
        if why is None:
            return Path("fused")
        self._check(h, h)
        backend, missing = backends.select(self.options.backend, h)
        name = "composed" if backend in backends.COMPILED.values() else "eager"
        return Path(name, f"{why}; {missing}" if missing else why)

    def _check(self, h: Tensor, f: Tensor) -> None:
        if h.dim() != 4 or h.shape[1] != self.options.channels or f.shape != h.shape:
            raise ValueError(
                f"the state is {tuple(h.shape)} and the source {tuple(f.shape)}; accepted: both "
                f"(N, {self.options.channels}, H, W); init_changes_shape=True makes init's output the source"
            )

    def _fields(self, name: str, made_of: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """The activated x and y coefficient, tensors like ``made_of`` or numbers."""
        numbers = self.options.numbers(name)
        if numbers is not None:
            return numbers
        act = ACTIVATIONS[self.options.resolved(f"{name}_activation" if name == "velocity" else "activation")]
        x, y = getattr(self, f"{name}_x")(made_of), getattr(self, f"{name}_y")(made_of)
        if self.options.product:
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
        for name in fused.FIELDS:
            coefficient = getattr(self, name)
            if coefficient is not None:
                total += coefficient.cost(size)
        channels = self.options.channels
        return total + pde_cost(channels, size, self.options.steps) + norm_cost(channels, size)

    def extra_repr(self) -> str:
        values = {option.name: getattr(self.options, option.name) for option in OPTIONS[1:]}
        told = [
            f"{option.name}={values[option.name]!r}"
            for option in OPTIONS[1:]
            if option.name == "steps" or values[option.name] != option.default
        ]
        return ", ".join([str(self.options.channels), *told])


def _attribute(name: str, builds: bool) -> property:
    """An option as an attribute of the layer; set, it is checked as when the layer is made."""

    def read(layer: GlobalLayer) -> Any:
        return getattr(layer.options, name)

    def write(layer: GlobalLayer, value: Any) -> None:
        if builds:
            raise AttributeError(f"{name} cannot be set: it builds the layer's modules; make another layer")
        layer.options = dataclasses.replace(layer.options, **{name: value})

    return property(read, write)


for _option in OPTIONS:
    setattr(GlobalLayer, _option.name, _attribute(_option.name, _option.metadata["builds"]))

# For readers of signatures: what `__init__` takes, option by option.
GlobalLayer.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter("channels", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="int"),
        inspect.Parameter(
            "init", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="nn.Module | None"
        ),
        *(
            inspect.Parameter(
                option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=option.type
            )
            for option in OPTIONS[1:]
        ),
    ]
)
