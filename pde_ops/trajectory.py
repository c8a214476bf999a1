"""What happens within one call of a global layer: its fields, and the state after each step."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pde_ops.eager import advance, stencil
from pde_ops.layer import GlobalLayer


class Trajectory(NamedTuple):
    """Tensors ``(N, C, H, W)``; ``states`` are before the first step and after each one. ``courant`` is |u| dt/dx +
    |v| dt/dy, |Ax| + |Ay|: where it exceeds 1 the advection is not stable (von Neumann, for coefficients that are
    constant). ``output`` is the layer's, after its norm and activation."""

    states: tuple[Tensor, ...]
    velocity_x: Tensor
    velocity_y: Tensor
    diffusivity_x: Tensor
    diffusivity_y: Tensor
    courant: Tensor
    output: Tensor


@torch.no_grad()
def trajectory(layer: GlobalLayer, x: Tensor) -> Trajectory:
    """Of ``layer(x)``, by the definition (`pde_ops.eager`), with the layer's mode as it is.

    Examples:
        >>> layer = GlobalLayer(4, steps=3).eval()
        >>> found = trajectory(layer, torch.rand(1, 4, 8, 8))
        >>> len(found.states), tuple(found.courant.shape)
        (4, (1, 4, 8, 8))
    """
    options = layer.options
    h = x if layer.init is None else layer.init(x)
    f = h if options.init_changes_shape else x
    u, v = layer._fields("velocity", h if options.velocity_input == "state" else f)
    diffusivities = layer._fields("diffusivity", h)
    fields = [_whole(field, h) for field in (u, v, *diffusivities)]
    coefficients = stencil(
        f if options.use_source else None, *fields,
        like=h, dt=options.dt, dx=options.dx, dy=options.dy, boundary=options.boundary,
    )  # fmt: skip
    before, now = f if options.previous == "source" and f is not h else h, h
    states = [h]
    for _ in range(options.steps):
        before, now = now, advance(coefficients, now, before, options.dx, options.dy, options.boundary)
        states.append(now)
    courant = fields[0].abs() * (options.dt / options.dx) + fields[1].abs() * (options.dt / options.dy)
    u, v, diffusivity_x, diffusivity_y = fields
    return Trajectory(tuple(states), u, v, diffusivity_x, diffusivity_y, courant, layer(x))


def _whole(field: Tensor | float, like: Tensor) -> Tensor:
    return field if isinstance(field, Tensor) else torch.full_like(like, field)
