"""The discrete adjoint of the scheme in plain PyTorch: the exact gradient of what `eager` computes.

The states are recomputed from the inputs, then the transposed stencil runs from the last step to the first.
Steps are never inverted: that would divide by 1 - 2Bx - 2By, which can be arbitrarily near zero.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pde_ops.eager import COLUMNS, PERIODIC, ROWS, Field, advance, lower, stencil, upper


def lower_transposed(g: Tensor, step: int, dim: int, boundary: str, ghost: float = 1.0) -> Tensor:
    """The transpose of `eager.lower` as a linear map."""
    if boundary == PERIODIC:
        return torch.roll(g, -step, dim)
    size = g.shape[dim]
    step = min(step, size)
    moved = torch.zeros_like(g)
    moved.narrow(dim, 0, size - step).copy_(g.narrow(dim, step, size - step))
    moved.narrow(dim, 0, step).add_(g.narrow(dim, 0, step), alpha=ghost)
    return moved


def upper_transposed(g: Tensor, step: int, dim: int, boundary: str, ghost: float = 1.0) -> Tensor:
    """The transpose of `eager.upper` as a linear map."""
    if boundary == PERIODIC:
        return torch.roll(g, step, dim)
    size = g.shape[dim]
    step = min(step, size)
    moved = torch.zeros_like(g)
    moved.narrow(dim, step, size - step).copy_(g.narrow(dim, 0, size - step))
    moved.narrow(dim, size - step, step).add_(g.narrow(dim, size - step, step), alpha=ghost)
    return moved


class Gradients(NamedTuple):
    """Gradients with respect to each input of `integrate`, all ``(N, C, H, W)``.

    Those of inputs that were numbers or absent are there too; the caller drops them. ``initial`` is the one
    of the state one step back; where that is ``h`` itself, it has to be added to ``h``'s.
    """

    h: Tensor
    source: Tensor
    velocity_x: Tensor
    velocity_y: Tensor
    diffusivity_x: Tensor
    diffusivity_y: Tensor
    initial: Tensor


def integrate_adjoint(
    grad: Tensor,
    h: Tensor,
    source: Tensor | None,
    velocity_x: Field,
    velocity_y: Field,
    diffusivity_x: Field,
    diffusivity_y: Field,
    *,
    steps: int,
    dt: float,
    dx: int,
    dy: int,
    initial: Tensor | None,
    boundary: str,
) -> Gradients:
    """Gradients of ``sum(grad * integrate(...))``; inputs and outputs in float32 or float64."""
    s = stencil(
        source, velocity_x, velocity_y, diffusivity_x, diffusivity_y,
        like=h, dt=dt, dx=dx, dy=dy, boundary=boundary,
    )  # fmt: skip
    states = [h if initial is None else initial, h]
    for _ in range(steps):
        states.append(advance(s, states[-1], states[-2], dx, dy, boundary))

    zero = torch.zeros_like(h)
    d_previous, d_centre, d_source = zero.clone(), zero.clone(), zero.clone()
    d_x_difference, d_x_sum, d_y_difference, d_y_sum, d_all = (zero.clone() for _ in range(5))
    pending = zero
    for k in range(steps, 0, -1):  # states[k + 1] came from states[k] and states[k - 1]
        now = states[k]
        x_lower, x_upper = _pair(now, dx, ROWS, boundary)
        y_lower, y_upper = _pair(now, dy, COLUMNS, boundary)
        d_x_difference += grad * (x_upper - x_lower)
        d_x_sum += grad * (x_upper + x_lower)
        d_y_difference += grad * (y_upper - y_lower)
        d_y_sum += grad * (y_upper + y_lower)
        d_centre += grad * now
        d_previous += grad * states[k - 1]
        d_source += grad
        d_all += grad * states[k + 1]
        back = pending + s.centre * grad
        back = back + lower_transposed(s.x_lower * grad, dx, ROWS, boundary)
        back = back + upper_transposed(s.x_upper * grad, dx, ROWS, boundary)
        back = back + lower_transposed(s.y_lower * grad, dy, COLUMNS, boundary)
        back = back + upper_transposed(s.y_upper * grad, dy, COLUMNS, boundary)
        pending = s.previous * grad
        grad = back

    d_e = -2.0 * d_centre * s.inverse
    d_l = -d_all * s.inverse
    d_ax, d_ay = d_x_difference * s.inverse, d_y_difference * s.inverse
    d_bx = (d_x_sum - d_previous) * s.inverse + d_l  # with respect to 2Bx
    d_by = (d_y_sum - d_previous) * s.inverse + d_l
    divergence_x = lower_transposed(d_e, dx, ROWS, boundary, -1.0)
    divergence_x = divergence_x - upper_transposed(d_e, dx, ROWS, boundary, -1.0)
    divergence_y = lower_transposed(d_e, dy, COLUMNS, boundary, -1.0)
    divergence_y = divergence_y - upper_transposed(d_e, dy, COLUMNS, boundary, -1.0)
    return Gradients(
        h=grad,
        source=d_source * (2 * dt * s.inverse),
        velocity_x=d_ax * (dt / dx) + divergence_x * (dt / (2 * dx)),
        velocity_y=d_ay * (dt / dy) + divergence_y * (dt / (2 * dy)),
        diffusivity_x=d_bx * (2 * dt / dx**2),
        diffusivity_y=d_by * (2 * dt / dy**2),
        initial=pending,
    )


def _pair(field: Tensor, step: int, dim: int, boundary: str) -> tuple[Tensor, Tensor]:
    return lower(field, step, dim, boundary), upper(field, step, dim, boundary)
