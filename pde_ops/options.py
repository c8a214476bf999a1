"""The options of a `GlobalLayer`, declared here alone: name, type, default, and how each reaches the fused kernel.

The operator ``pde_ops::global_layer`` and the C++ struct behind it are made of this table, see
`pde_ops.cpu.argument`; `GlobalLayer.path` and the test of it read it too. A new option is a field of `Options`,
the mathematics where it belongs (`pde_ops.layer`, ``cpu/csrc``), and an example in the tests.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from pde_ops.coefficients import ACTIVATIONS, START_MECHANISMS, TRANSFORMS
from pde_ops.eager import BOUNDARIES
from pde_ops.scheme import BACKENDS, check_settings
from records.checks import finite

INPUTS = ("source", "state")
SAME = "same"
COEFFICIENT_START = 0.05


@dataclass(frozen=True)
class Argument:
    """How an option reaches the fused kernel: as an argument of its name.

    ``type`` is "int", "float", "bool" or "str". A str travels on to C++ as its place among ``choices``; the
    kernel does not know other values, and a layer with one of them is composed. Where ``same`` names another
    option, the word "same" stands for that option's value.
    """

    type: str
    choices: tuple[str, ...] = ()
    same: str = ""

    def has(self, value: Any) -> bool:
        """Whether the kernel computes the layer for this value."""
        return not self.choices or value in self.choices or (bool(self.same) and value == SAME)


@dataclass(frozen=True)
class Only:
    """The fused kernel computes the layer for these values alone (and, if so, for ``numbers``)."""

    values: tuple[Any, ...]
    numbers: bool = False

    def has(self, value: Any) -> bool:
        """Whether the kernel computes the layer for this value."""
        return value in self.values or (self.numbers and not isinstance(value, str))


@dataclass(frozen=True)
class Within:
    """The option needs no argument of its own in the fused kernel, for the reason given: any value will do."""

    reason: str

    def has(self, value: Any) -> bool:
        """Whether the kernel computes the layer for this value."""
        return True


Way = Argument | Only | Within
DEPTHWISE = Only(("depthwise", "depthwise-bias", "none"), numbers=True)
IN_KERNEL = ("relu", "relu6", "hard-swish", "identity", "softsign")  # activations
NORMS = Within("the coefficients' norms have it")
WEIGHTS = Within("the convolutions' weights have it")
ONE_INPUT = Within("where the kernel applies, source and state are the same tensor")


def _option(default: Any, kernel: Way, accepted: tuple[str, ...] = (), *, builds: bool = False) -> Any:
    """A field: its default, its way into the kernel, the words accepted, and whether it builds modules."""
    return field(default=default, metadata={"kernel": kernel, "accepted": accepted, "builds": builds})


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a `GlobalLayer`; see there for what it computes.

    Args:
        channels: C, of the state (init's output) and, unless ``init_changes_shape``, of the input.
        steps: steps of the PDE, K >= 1. With K = 1 the reach is the five-point stencil: not global at all.
        dt: length of a step; dx, dy: both the grid step and how many pixels away the neighbours
            are, along the rows and along the columns; whole numbers >= 1.
        boundary: "periodic" (published) or "zero-flux".
        velocity: what makes the velocities: one of `TRANSFORMS`, "none", a number for both, or a pair of
            numbers, along x and along y.
        diffusivity: the same for the diffusivities, whose numbers are >= 0.
        kernel_size: odd; of "depthwise" and "full" transforms. bias: whether "depthwise" ones have one.
        init_changes_shape: the source becomes init's output; needed where init changes width or resolution.
        previous: the state one step back is the "source" (published) or the "state" (`init_h0_h`).
        velocity_input: velocities are made of the "state" or of the "source" (`use_f_for_g`).
        product: u = v = act(pre_u * act(pre_v)), and Dx = Dy likewise (`use_dot`).
        use_source: whether f drives the PDE (`no_f` is False). residual: f is added to the output.
        activation: one of `ACTIVATIONS`, of coefficients and output.
        velocity_activation: one of `ACTIVATIONS`, of velocities alone, or "same": as ``activation``.
            "softsign", "tanh" and "identity" give velocities of either sign, the first two within -1 and 1.
        coefficient_start: standard deviation of every coefficient's normalised pre-activation before
            training, > 0; a ReLU coefficient's mean is then 0.4 of it. Small values make the layer begin
            near the identity and keep the leapfrog tame; 1 is plain batch normalisation.
        start_mechanism: "multiplier" holds that number as a fixed factor on the normalised value (its
            gain, beginning at 1, learns slowly: the dynamics of the published eps = C); "gain" makes it the
            initial value of the gain.
        coefficient_eps: eps of the coefficients' norms.
        backend: of `pde_ops.integrate`; "auto" and "cpu" allow the fused kernel.

    Raises:
        ValueError: a setting that cannot work, naming what is accepted.

    Examples:
        >>> Options(channels=16, velocity="none").numbers("velocity")
        (0.0, 0.0)
        >>> Options(channels=16, steps=0)
        Traceback (most recent call last):
        ValueError: steps is 0; accepted: a whole number >= 1
    """

    channels: int = field(metadata={"kernel": WEIGHTS, "accepted": (), "builds": True})
    steps: int = _option(5, Argument("int"))
    dt: float = _option(0.2, Argument("float"))
    dx: int = _option(1, Argument("int"))
    dy: int = _option(1, Argument("int"))
    boundary: str = _option("periodic", Argument("str", BOUNDARIES), BOUNDARIES)
    velocity: str | float | tuple[float, float] = _option("depthwise", DEPTHWISE, builds=True)
    diffusivity: str | float | tuple[float, float] = _option("depthwise", DEPTHWISE, builds=True)
    kernel_size: int = _option(3, WEIGHTS, builds=True)
    bias: bool = _option(False, WEIGHTS, builds=True)
    init_changes_shape: bool = _option(False, ONE_INPUT)
    previous: str = _option("source", ONE_INPUT, INPUTS)
    velocity_input: str = _option("state", ONE_INPUT, INPUTS)
    product: bool = _option(False, Only((False,)))
    use_source: bool = _option(True, Argument("bool"))
    residual: bool = _option(False, Argument("bool"))
    activation: str = _option("relu", Argument("str", IN_KERNEL), tuple(ACTIVATIONS))
    velocity_activation: str = _option(
        SAME, Argument("str", IN_KERNEL, same="activation"), (SAME, *ACTIVATIONS)
    )
    coefficient_start: float = _option(COEFFICIENT_START, NORMS, builds=True)
    start_mechanism: str = _option("multiplier", NORMS, START_MECHANISMS, builds=True)
    coefficient_eps: float = _option(1e-5, NORMS, builds=True)
    backend: str = _option("auto", Only(("auto", "cpu")), BACKENDS)

    # Made of the above, once: a call of a layer on a small feature map is short.
    constants: tuple[float, float, float, float] = field(init=False, repr=False, compare=False)
    arguments: tuple[Any, ...] = field(init=False, repr=False, compare=False)
    unfused: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_settings(
            steps=self.steps, dt=self.dt, dx=self.dx, dy=self.dy, boundary=self.boundary, backend=self.backend
        )
        for name in ("channels", "kernel_size"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(f"{name} is {number!r}; accepted: a whole number >= 1")
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {self.kernel_size}; accepted: an odd whole number")
        for option in OPTIONS:
            if option.metadata["accepted"]:
                _check_choice(option.name, getattr(self, option.name), option.metadata["accepted"])
        for name in ("dt", "coefficient_start", "coefficient_eps"):
            _check_positive(name, getattr(self, name))
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("velocity", "diffusivity"):
            object.__setattr__(self, name, _checked_kind(name, getattr(self, name)))
        constants = (*(self.numbers("velocity") or (0.0, 0.0)), *(self.numbers("diffusivity") or (0.0, 0.0)))
        object.__setattr__(self, "constants", constants)
        object.__setattr__(self, "arguments", tuple(map(self.resolved, ARGUMENTS)))
        object.__setattr__(self, "unfused", next(self._reasons(), None))

    def numbers(self, name: str) -> tuple[float, float] | None:
        """The numbers along x and y that stand for "velocity" or "diffusivity"; None where it is learned."""
        kind = getattr(self, name)
        if isinstance(kind, tuple):
            return kind
        if isinstance(kind, str):
            return (0.0, 0.0) if kind == "none" else None
        return (kind, kind)

    def resolved(self, name: str) -> Any:
        """The option's value, and in place of "same" that of the option which it stands for."""
        value = getattr(self, name)
        return getattr(self, ARGUMENTS[name].same) if value == SAME else value

    def _reasons(self):
        """What of these options the fused kernel does not have, one clause each."""
        for option in OPTIONS:
            value = getattr(self, option.name)
            if not option.metadata["kernel"].has(value):
                yield f"the fused kernel has no {option.name}={value!r}"


OPTIONS = tuple(option for option in dataclasses.fields(Options) if option.init)
ARGUMENTS: dict[str, Argument] = {
    option.name: option.metadata["kernel"]
    for option in OPTIONS
    if isinstance(option.metadata["kernel"], Argument)
}


def _check_choice(name: str, value: Any, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"{name} is {value!r}; accepted: {', '.join(accepted)}")


def _check_positive(name: str, value: Any) -> None:
    if not _is_number(value) or value <= 0:
        raise ValueError(f"{name} is {value!r}; accepted: a finite number > 0")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and finite(value)


def _checked_kind(name: str, kind: Any) -> str | float | tuple[float, float]:
    """A transform's name, or the numbers that stand for the fields."""
    if isinstance(kind, str):
        _check_choice(name, kind, (*TRANSFORMS, "none", "or a number"))
        return kind
    pair = isinstance(kind, (tuple, list))
    numbers = tuple(kind) if pair else (kind,)
    if len(numbers) != 1 + pair or not all(map(_is_number, numbers)):
        raise ValueError(
            f"{name} is {kind!r}; accepted: {', '.join(TRANSFORMS)}, none, a finite number, or two, for x and y"
        )
    if name == "diffusivity" and min(numbers) < 0:
        raise ValueError(f"{name} is {kind!r}; accepted: a number >= 0, or two")
    return tuple(map(float, numbers)) if pair else float(kind)  # type: ignore[return-value]
