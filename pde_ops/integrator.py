"""`integrate`: the public, checked way to the integrator."""

from __future__ import annotations

import torch
from torch import Tensor

from pde_ops import operator
from pde_ops.eager import integrate_eager
from pde_ops.scheme import check_settings
from records.checks import finite

NAMES = ("source", "velocity_x", "velocity_y", "diffusivity_x", "diffusivity_y", "initial")


def integrate(
    h: Tensor,
    source: Tensor | None,
    velocity_x: Tensor | float,
    velocity_y: Tensor | float,
    diffusivity_x: Tensor | float,
    diffusivity_y: Tensor | float,
    *,
    steps: int,
    dt: float,
    dx: int = 1,
    dy: int = 1,
    initial: Tensor | None = None,
    boundary: str = "periodic",
    backend: str = "auto",
) -> Tensor:
    """``steps`` explicit steps of dH/dt = div(D grad H) + div(v H) + f on every plane of ``h``.

    Three time levels: leapfrog for advection and source, Du Fort-Frankel for diffusion; second order in
    space, and second order in time where ``initial`` is the state at -dt, up to Du Fort-Frankel's own term
    (dt/dx)^2 d2H/dt2 (it needs dt << dx to be consistent). The gradient of D is neglected (D is locally
    constant). Diffusion is stable for every dt >= 0; advection needs about
    ``|u| dt/dx + |v| dt/dy <= 1`` everywhere, which is not enforced.

    Args:
        h: state at time 0, ``(N, C, H, W)``; x is dimension 2 (rows), y is dimension 3 (columns).
        source: f, like ``h``, or None for no source.
        velocity_x: along the rows, like ``h``, or a number; positive ones carry towards lower indices.
        velocity_y: the same along the columns.
        diffusivity_x: along the rows, like ``h``, or a number; meant to be >= 0.
        diffusivity_y: the same along the columns.
        steps: number of steps K >= 1.
        dt: length of a step > 0.
        dx: both the grid step along the rows, in the formulas, and how many rows away a cell's neighbours are; a
            whole number >= 1. The result at a cell depends on cells at most ``steps * dx`` rows and ``steps * dy``
            columns away.
        dy: the same along the columns.
        initial: state at time -dt, like ``h``; None means ``h`` itself.
        boundary: "periodic" (the published one) or "zero-flux": nothing passes the walls. There the state
            is continued by its mirror image and the velocity normal to the wall by minus its own, so that
            both the diffusive and the advective flux through the wall vanish; with constant diffusivities
            and no source the sum over a plane is conserved, for both boundaries.
        backend: "auto" takes the fastest that applies; "eager", "cpu", "triton" force one.

    Returns:
        The state after ``steps`` steps, contiguous, of ``h``'s shape. Tensors of mixed floating types are
        promoted; bfloat16 and float16 are integrated in float32.

    Raises:
        ValueError: a setting or a shape that cannot work, or a backend that cannot run here.

    Source: Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
    """
    check_settings(steps=steps, dt=dt, dx=dx, dy=dy, boundary=boundary, backend=backend)
    if not isinstance(h, Tensor) or h.dim() != 4 or not h.is_floating_point():
        raise ValueError(f"h is {_describe(h)}; accepted: a floating-point tensor (N, C, H, W)")
    fields = [source, velocity_x, velocity_y, diffusivity_x, diffusivity_y, initial]
    constants = [0.0, 0.0, 0.0, 0.0]
    dtype = h.dtype
    for index, (name, value) in enumerate(zip(NAMES, fields, strict=True)):
        if isinstance(value, Tensor):
            if value.shape != h.shape or value.dtype != h.dtype or value.device != h.device:
                _check_field(name, value, h)
                dtype = torch.promote_types(dtype, value.dtype)
        elif name in ("source", "initial"):
            if value is not None:
                raise ValueError(f"{name} is {value!r}; accepted: a tensor of h's shape or None")
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not finite(value):
            raise ValueError(f"{name} is {value!r}; accepted: a tensor of h's shape or a finite number")
        else:
            fields[index], constants[index - 1] = None, float(value)
    tensors = [
        (value if value.dtype == dtype else value.to(dtype)) if isinstance(value, Tensor) else None
        for value in (h, *fields)
    ]
    if operator.by_definition_alone():
        _, source, *coefficients, initial = tensors
        return integrate_eager(
            h.to(dtype), source, *(number if field is None else field for field, number in zip(coefficients, constants, strict=True)),
            steps=steps, dt=dt, dx=dx, dy=dy, initial=initial, boundary=boundary,
        )  # fmt: skip
    return operator.INTEGRATE(*tensors, constants, steps, float(dt), dx, dy, boundary, backend)


def _check_field(name: str, value: Tensor, h: Tensor) -> None:
    if value.shape != h.shape or not value.is_floating_point():
        raise ValueError(
            f"{name} is {_describe(value)}; accepted: a floating-point tensor {tuple(h.shape)}, as h"
        )
    if value.device != h.device:
        raise ValueError(f"{name} is on {value.device}; accepted: {h.device}, where h is")


def _describe(value) -> str:
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor {tuple(value.shape)}"
    return repr(value)
