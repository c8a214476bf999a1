"""The scheme in few of PyTorch's own operators, for programs that run where this project is not installed.

It equals `pde_ops.eager`, which is the definition, up to rounding. In a program each step is written out, so
what counts here is the number of operators, not how the formula reads.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pde_ops.eager import COLUMNS, PERIODIC, ROWS, Field, lower, upper


def integrate_portable(
    h: Tensor,
    source: Tensor | None,
    velocity_x: Field,
    velocity_y: Field,
    diffusivity_x: Field,
    diffusivity_y: Field,
    *,
    steps: int,
    dt: float,
    dx: int = 1,
    dy: int = 1,
    initial: Tensor | None = None,
    boundary: str = PERIODIC,
) -> Tensor:
    """`pde_ops.integrate` of fields ``(N, C, H, W)`` or numbers, without its checks, in the inputs' own type."""
    bx, by = diffusivity_x * (2 * dt / dx**2), diffusivity_y * (2 * dt / dy**2)  # 2Bx, 2By
    inverse = 1.0 / (bx + by + 1.0)  # 1 / L
    previous = inverse * 2.0 - 1.0  # (1 - 2Bx - 2By) / L
    neighbours = []
    outflow: list[Tensor] = []  # their sum is -2EL, with E = -dt div v
    for velocity, b, step, dim in ((velocity_x, bx, dx, ROWS), (velocity_y, by, dy, COLUMNS)):
        a = velocity * (dt / step)
        neighbours += [(_product(b - a, inverse), lower, step, dim)]
        neighbours += [(_product(b + a, inverse), upper, step, dim)]
        if not isinstance(a, Tensor):
            if boundary == PERIODIC or a == 0.0:  # a constant velocity has a divergence at walls alone
                continue
            a = torch.full_like(h, a)
        below, above = (near(a, step, dim, boundary, ghost=-1.0) for near in (lower, upper))
        outflow.append(above - below)
    centre = None if not outflow else _product(sum(outflow[1:], start=outflow[0]), inverse)
    gain = None if source is None else _product(source, inverse * (2 * dt))

    before = h if initial is None else initial
    for _ in range(steps):
        new = _add_product(gain, previous, before)
        if centre is not None:
            new = _add_product(new, centre, h)
        for coefficient, near, step, dim in neighbours:
            if isinstance(coefficient, Tensor) or coefficient != 0.0:
                new = _add_product(new, coefficient, near(h, step, dim, boundary))
        before, h = h, new
    return h


def _product(one: Any, other: Any) -> Any:
    """``one * other``, without an operator for a factor of 1."""
    return one if not isinstance(other, Tensor) and other == 1.0 else one * other


def _add_product(total: Tensor | None, coefficient: Field, field: Tensor) -> Tensor:
    if total is None:
        return field * coefficient
    if isinstance(coefficient, Tensor):
        return torch.addcmul(total, coefficient, field)
    return total + field * coefficient
