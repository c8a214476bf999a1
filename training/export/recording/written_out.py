"""The equation's own operators in those that a program has, which runs where this project is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pde_ops.cpu.argument import named
from pde_ops.cpu.fixed_operator import FIXED, fixed
from pde_ops.cpu.fused_operator import FORWARD
from pde_ops.exported.convolved import integrate_convolved
from pde_ops.exported.portable import integrate_portable
from pde_ops.operator import INTEGRATE
from pde_ops.whole_map.implicit import Fields, implicit_step_eager
from pde_ops.whole_map.operator import STEP

Integrate = Callable[..., Tensor]


def _written_out(integrate: Integrate) -> Callable[..., Tensor]:
    """The operator ``pde_ops::integrate`` by ``integrate``."""

    def run(
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
        fields = (velocity_x, velocity_y, diffusivity_x, diffusivity_y)
        coefficients: list[Any] = [c if t is None else t for t, c in zip(fields, constants, strict=True)]
        return integrate(
            h, source, *coefficients, steps=steps, dt=dt, dx=dx, dy=dy, initial=initial, boundary=boundary
        )

    return run


def _implicit_step(*given: Any) -> Tensor:
    """The operator ``pde_ops::implicit_step`` in plain ones; the last arguments are its background and backend."""
    *fields, background, _ = given
    return implicit_step_eager(Fields(*fields), background)


def _fixed_layer(*given: Any) -> tuple[Tensor, ...]:
    """The operator ``pde_ops::global_layer`` as ``pde_ops::fixed_layer``; nobody asks for its other results."""
    nothing = torch.empty(0)
    return FIXED(*fixed(*named(given[:-1]))), nothing, nothing, nothing


# Forms of a program by name; in each, what is called in place of an operator, with its arguments.
OPERATORS, CONVOLUTIONS, KERNELS = "operators", "convolutions", "kernels"
FORMS: dict[str, dict[Any, Callable[..., Any]]] = {
    OPERATORS: {INTEGRATE: _written_out(integrate_portable), STEP: _implicit_step},
    CONVOLUTIONS: {INTEGRATE: _written_out(integrate_convolved), STEP: _implicit_step},
}
FORMS[KERNELS] = {**FORMS[OPERATORS], FORWARD: _fixed_layer}
