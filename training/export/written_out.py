"""The equation's own operators in PyTorch's, for programs that run where this project is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from pde_ops.operator import INTEGRATE
from pde_ops.portable import integrate_portable
from pde_ops.whole_map.implicit import Fields, implicit_step_eager
from pde_ops.whole_map.operator import STEP


def _integrate(
    h: Tensor,
    source: Tensor | None,
    velocity_x: Tensor | None,
    velocity_y: Tensor | None,
    diffusivity_x: Tensor | None,
    diffusivity_y: Tensor | None,
    initial: Tensor | None,
    constants: list[float],
    steps: int,
    dt: float,
    dx: int,
    dy: int,
    boundary: str,
    backend: str,
) -> Tensor:
    """The operator ``pde_ops::integrate`` in plain ones."""
    fields = (velocity_x, velocity_y, diffusivity_x, diffusivity_y)
    coefficients: list[Any] = [c if t is None else t for t, c in zip(fields, constants, strict=True)]
    return integrate_portable(
        h, source, *coefficients, steps=steps, dt=dt, dx=dx, dy=dy, initial=initial, boundary=boundary
    )


def _implicit_step(*given: Any) -> Tensor:
    """The operator ``pde_ops::implicit_step`` in plain ones; the last arguments are its background and backend."""
    *fields, background, _ = given
    return implicit_step_eager(Fields(*fields), background)


# Each is called with the operator's arguments.
WRITTEN_OUT: dict[Any, Callable[..., Tensor]] = {INTEGRATE: _integrate, STEP: _implicit_step}
