"""What every integrator is called with: the fields, the numbers of the scheme, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from pde_ops.eager import BOUNDARIES
from records.checks import finite

BACKENDS = ("auto", "eager", "cpu", "triton")


class Fields(NamedTuple):
    """Tensor inputs ``(N, C, H, W)``; None: no source, a number from `Scheme.constants`, initial = h."""

    h: Tensor
    source: Tensor | None
    velocity_x: Tensor | None
    velocity_y: Tensor | None
    diffusivity_x: Tensor | None
    diffusivity_y: Tensor | None
    initial: Tensor | None


class Scheme(NamedTuple):
    """Everything that is not a tensor; ``constants`` are numbers for absent velocities and diffusivities."""

    constants: Sequence[float]
    steps: int
    dt: float
    dx: int
    dy: int
    boundary: str


def check_settings(*, steps: int, dt: float, dx: int, dy: int, boundary: str, backend: str) -> None:
    """Raise ValueError, naming what is accepted, for settings that cannot work."""
    for name, value in (("steps", steps), ("dx", dx), ("dy", dy)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; accepted: a whole number >= 1")
    if isinstance(dt, bool) or not isinstance(dt, (int, float)) or not finite(dt) or dt <= 0:
        raise ValueError(f"dt is {dt!r}; accepted: a finite number > 0")
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary is {boundary!r}; accepted: {', '.join(BOUNDARIES)}")
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}; accepted: {', '.join(BACKENDS)}")
