"""The definition of the scheme in plain PyTorch: every other backend must equal it.

The equation, for each channel on its own, with the coefficients frozen while it is integrated, is
``dH/dt = div(D grad H) + div(v H) + f`` (Kag and Saligrama, "Condensing CNNs with Partial Differential
Equations", CVPR 2022). Three time levels, explicit: leapfrog for advection and source, Du Fort-Frankel for
diffusion. x is tensor dimension 2 (rows), y is dimension 3 (columns).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ROWS, COLUMNS = 2, 3
PERIODIC, ZERO_FLUX = "periodic", "zero-flux"
BOUNDARIES = (PERIODIC, ZERO_FLUX)

Field = Tensor | float


def lower(field: Tensor, step: int, dim: int, boundary: str, ghost: float = 1.0) -> Tensor:
    """The neighbour ``step`` cells towards lower indices, for every cell.

    Periodic: it wraps around. Zero-flux: a cell whose neighbour lies outside sees its own value times
    ``ghost`` (the mirror image in the wall: 1 for the state, -1 for the velocity normal to the wall).
    """
    if boundary == PERIODIC:
        return torch.roll(field, step, dim)
    step = min(step, field.shape[dim])
    outside = field.narrow(dim, 0, step) * ghost
    return torch.cat((outside, field.narrow(dim, 0, field.shape[dim] - step)), dim)


def upper(field: Tensor, step: int, dim: int, boundary: str, ghost: float = 1.0) -> Tensor:
    """The neighbour ``step`` cells towards higher indices; see `lower`."""
    if boundary == PERIODIC:
        return torch.roll(field, -step, dim)
    size = field.shape[dim]
    step = min(step, size)
    outside = field.narrow(dim, size - step, step) * ghost
    return torch.cat((field.narrow(dim, step, size - step), outside), dim)


def divergence(
    velocity_x: Field, velocity_y: Field, like: Tensor, dt: float, dx: int, dy: int, boundary: str
) -> Field:
    """E = -dt div v by central differences; a number where both velocities are numbers.

    A constant velocity has no divergence in the periodic domain; between walls it has one at the walls,
    where the velocity normal to them vanishes.
    """
    total: Field = 0.0
    for velocity, step, dim in ((velocity_x, dx, ROWS), (velocity_y, dy, COLUMNS)):
        if not isinstance(velocity, Tensor):
            if boundary == PERIODIC or velocity == 0.0:
                continue
            velocity = torch.full_like(like, velocity)
        below = lower(velocity, step, dim, boundary, ghost=-1.0)
        above = upper(velocity, step, dim, boundary, ghost=-1.0)
        total = total + (dt / (2 * step)) * (below - above)
    return total


class Stencil(NamedTuple):
    """Coefficients of one step, already divided by L = 1 + 2Bx + 2By; tensors ``(N, C, H, W)`` or numbers.

    ``h_next = previous*p + centre*h + x_lower*h[i-dx] + x_upper*h[i+dx] + y_lower*h[j-dy]
    + y_upper*h[j+dy] + source``
    """

    previous: Field
    centre: Field
    x_lower: Field
    x_upper: Field
    y_lower: Field
    y_upper: Field
    source: Field | None
    inverse: Field  # 1 / L


def stencil(
    source: Tensor | None,
    velocity_x: Field,
    velocity_y: Field,
    diffusivity_x: Field,
    diffusivity_y: Field,
    *,
    like: Tensor,
    dt: float,
    dx: int,
    dy: int,
    boundary: str,
) -> Stencil:
    """The step's coefficients from the fields; ``like`` gives shape, type and device."""
    ax, ay = velocity_x * (dt / dx), velocity_y * (dt / dy)
    bx, by = diffusivity_x * (2 * dt / dx**2), diffusivity_y * (2 * dt / dy**2)  # 2Bx, 2By
    e = divergence(velocity_x, velocity_y, like, dt, dx, dy, boundary)
    inverse = 1.0 / (1.0 + bx + by)
    return Stencil(
        previous=(1.0 - bx - by) * inverse,
        centre=e * (-2.0 * inverse),
        x_lower=(bx - ax) * inverse,
        x_upper=(bx + ax) * inverse,
        y_lower=(by - ay) * inverse,
        y_upper=(by + ay) * inverse,
        source=None if source is None else source * (2 * dt * inverse),
        inverse=inverse,
    )


def advance(s: Stencil, h: Tensor, p: Tensor, dx: int, dy: int, boundary: str) -> Tensor:
    """The state one step after ``h``, which itself came one step after ``p``."""
    new = s.previous * p + s.centre * h
    new = new + s.x_lower * lower(h, dx, ROWS, boundary) + s.x_upper * upper(h, dx, ROWS, boundary)
    new = new + s.y_lower * lower(h, dy, COLUMNS, boundary) + s.y_upper * upper(h, dy, COLUMNS, boundary)
    return new if s.source is None else new + s.source


def integrate_eager(
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
    """`pde_ops.integrate` as ordinary differentiable tensor operations, without its checks.

    bfloat16 and float16 inputs are integrated in float32 and the result is rounded once.
    """
    dtype = h.dtype
    wide = torch.promote_types(dtype, torch.float32)
    h, source, initial = _to(h, wide), _to(source, wide), _to(initial, wide)
    velocity_x, velocity_y = _to(velocity_x, wide), _to(velocity_y, wide)
    diffusivity_x, diffusivity_y = _to(diffusivity_x, wide), _to(diffusivity_y, wide)
    coefficients = stencil(
        source, velocity_x, velocity_y, diffusivity_x, diffusivity_y,
        like=h, dt=dt, dx=dx, dy=dy, boundary=boundary,
    )  # fmt: skip
    p = h if initial is None else initial
    for _ in range(steps):
        p, h = h, advance(coefficients, h, p, dx, dy, boundary)
    return h.to(dtype)


def _to(value, dtype: torch.dtype):
    return value.to(dtype) if isinstance(value, Tensor) else value
