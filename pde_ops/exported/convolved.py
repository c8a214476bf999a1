"""The scheme as depthwise convolutions with fixed weights, for runtimes whose convolutions are fast: ONNX files.

It equals `pde_ops.eager`, which is the definition, up to rounding. In a program each step is written out, and its
time goes by how often a feature map is read and written. Differences of neighbours are convolutions here: runtimes
keep their results in the order in memory of the convolutions around them, and add them up in the same pass. ONNX
Runtime takes half of the time that it takes for `pde_ops.exported.portable`; PyTorch itself takes longer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pde_ops.eager import COLUMNS, PERIODIC, ROWS, Field

# A wrap-around is a second convolution, whose two neighbours lie nearly a whole map apart. OpenVINO takes long for it
# along wide rows; there the row is continued at both ends instead.
WIDEST = 16

Taps = tuple[float, float, float]  # what the neighbour below, the cell and the neighbour above count


def integrate_convolved(
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
    """`pde_ops.integrate` of fields ``(N, C, H, W)`` or numbers, without its checks, in the inputs' own type.

    With L = 1 + 2Bx + 2By a step is ``p + (flow + 2Bx (h[i-dx] - 2p + h[i+dx]) + ...) / L``. The first one, where p is
    h, has second differences; later ones are ``(2p + flow + 2Bx (h[i-dx] + h[i+dx]) + ...) / L - p``.
    """
    fields = ((velocity_x, diffusivity_x, dx, ROWS), (velocity_y, diffusivity_y, dy, COLUMNS))
    own_source = source is h and initial is None and steps == 1
    bias = 2 * dt if own_source else 0.0  # what the source counts in a step from itself
    centre: Tensor | None = None  # -2EL, with E = -dt div v; and the bias
    for velocity, _, step, dim in fields:
        if not isinstance(velocity, Tensor):
            if boundary == PERIODIC or velocity == 0.0:  # a constant velocity has a divergence at walls alone
                continue
            velocity = torch.full_like(h, velocity)
        a = dt / step
        own = bias if centre is None else 0.0
        centre = _sum(centre, stencil(velocity, (-a, 0.0, a), step, dim, boundary, ghost=-1.0, bias=own))
    gain = None if source is None else scaled(source, 2 * dt)
    if own_source and centre is not None:
        gain = None
    widening = _widening(diffusivity_x, diffusivity_y, dt, dx, dy)

    before = initial
    for _ in range(steps):
        total = _sum(None if centre is None else centre * h, gain)
        for velocity, diffusivity, step, dim in fields:
            a, b = dt / step, 2 * dt / step**2
            middle = -2 * b if before is None else 0.0
            for coefficient, taps in ((velocity, (-a, 0.0, a)), (diffusivity, (b, middle, b))):
                if isinstance(coefficient, Tensor):
                    total = _sum(total, coefficient * stencil(h, taps, step, dim, boundary))
                elif coefficient != 0.0:
                    below, at, above = (coefficient * tap for tap in taps)
                    total = _sum(total, stencil(h, (below, at, above), step, dim, boundary))
        if before is not None:
            total = _sum(total, scaled(before, 2.0))
        change = _divided(total, widening)
        before, h = h, change + (h if before is None else scaled(before, -1.0))
    return h


def _widening(diffusivity_x: Field, diffusivity_y: Field, dt: float, dx: int, dy: int) -> Field:
    """L = 1 + 2Bx + 2By."""
    total: Any = 1.0
    for diffusivity, step in ((diffusivity_x, dx), (diffusivity_y, dy)):
        factor = 2 * dt / step**2
        if not isinstance(diffusivity, Tensor):
            total = total + diffusivity * factor
        elif isinstance(total, Tensor):
            total = scaled(diffusivity, factor) + total
        else:
            total = scaled(diffusivity, factor, total)
    return total


def _divided(total: Tensor | None, by: Any) -> Any:
    """``total / by``, by a convolution at the end: what follows is then in the convolutions' order in memory."""
    if total is None:
        return 0.0
    return scaled(total / by, 1.0) if isinstance(by, Tensor) else scaled(total, 1.0 / by)


def _sum(total: Tensor | None, term: Tensor | None) -> Any:
    return term if total is None else total if term is None else total + term


def scaled(field: Tensor, factor: float, shift: float = 0.0) -> Tensor:
    """``factor * field + shift``."""
    return _convolved(field, (factor,), ROWS, 1, shift, padding=0)


def stencil(
    field: Tensor, taps: Taps, step: int, dim: int, boundary: str, ghost: float = 1.0, bias: float = 0.0
) -> Tensor:
    """Each cell's neighbours ``step`` cells away along ``dim``, and itself, times ``taps``, added up with ``bias``.

    What a cell sees beyond the boundary, and ``ghost``: as in `pde_ops.eager.lower`.
    """
    size = field.shape[dim]
    if boundary == PERIODIC and step < size and (dim == ROWS or size <= WIDEST):
        below, _, above = taps
        inside = _convolved(field, taps, dim, step, bias, padding=step)
        return inside + _convolved(field, (above, 0.0, below), dim, size - step, padding=size - step)
    step = (step - 1) % size + 1 if boundary == PERIODIC else min(step, size)
    low, high = _part(field, dim, 0, step), _part(field, dim, size - step, size)
    if boundary == PERIODIC:
        low, high = high, low
    elif ghost != 1.0:
        low, high = low * ghost, high * ghost
    return _convolved(torch.cat((low, field, high), dim), taps, dim, step, bias, padding=0)


def _part(field: Tensor, dim: int, start: int, end: int) -> Tensor:
    return field[:, :, start:end] if dim == ROWS else field[:, :, :, start:end]


def _convolved(
    field: Tensor, taps: tuple[float, ...], dim: int, step: int, bias: float = 0.0, *, padding: int
) -> Tensor:
    """Each channel by itself with ``taps``, ``step`` cells apart along ``dim``."""
    channels = field.shape[1]
    along = lambda value, other: [value, other] if dim == ROWS else [other, value]  # noqa: E731
    like: Any = {"dtype": field.dtype, "device": field.device}
    weight = torch.cat([torch.full((channels, 1, 1, 1), tap, **like) for tap in taps], dim)
    shift = torch.full((channels,), bias, **like) if bias else None
    none = [0, 0]
    return torch.convolution(
        field, weight, shift, [1, 1], along(padding, 0), along(step, 1), False, none, channels
    )
