"""The implicit step in plain PyTorch: the definition, and its adjoint.

The equation is that of the global layer with the velocity in front of the gradient,

    dH/dt = D Laplace(H) + v . grad H + f

and the step is split by directions (alternating directions, locally one-dimensional), backward Euler in each:

    (I - t Ax) (I - t Ay) g = h,      h_new = g + t f

Ax takes differences along the rows (dimension 2), Ay along the columns, upwind for the velocity:

    (Ax g)[i] = (Dx + max(u, 0)) (g[i+1] - g[i]) + (Dx + max(-u, 0)) (g[i-1] - g[i]),      Dx = max(dx, 0) + background

with the fields u and dx and a number, the background, which keeps every cell tied to its neighbours.

At a wall the difference across it is left out: nothing comes from outside. (Periodic lines would cost a second
solve each, and would let what leaves on one side enter on the other within one step.) Rows of Ax add up to 0 and what
stands beside the diagonal is >= 0, so I - t Ax is an M-matrix for every velocity, and for every t: g is a weighted
mean of h over the whole map. First order in t and in space.

The source is added last. Added first it would, where f is h itself, be a factor 1 + t and no more.

Sources: Yanenko, "The Method of Fractional Steps", 1971; Haber, Lensink, Treister and Ruthotto, "IMEXnet: A Forward
Stable Deep Neural Network", ICML 2019, for an implicit step in a network; Kag and Saligrama, CVPR 2022, for the
equation with coefficients that are learned.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu

from pde_ops.whole_map.tridiagonal import COLUMNS, ROWS, shifted, solve, solve_transposed


class Fields(NamedTuple):
    """What a step is made of: ``(N, C, H, W)``, ``time`` ``(C,)``, > 0."""

    h: Tensor
    source: Tensor | None
    velocity_x: Tensor
    velocity_y: Tensor
    diffusivity_x: Tensor
    diffusivity_y: Tensor
    time: Tensor


class Axis(NamedTuple):
    """One direction's matrix I - t A: its entries beside the diagonal with their signs turned, and the diagonal."""

    lower: Tensor
    diagonal: Tensor
    upper: Tensor


def axis(velocity: Tensor, diffusivity: Tensor, time: Tensor, background: float, dim: int) -> Axis:
    """The matrix along ``dim``; ``time`` is ``(C, 1, 1)``."""
    diffusion = relu(diffusivity) + background
    lower = walled(time * (diffusion + relu(-velocity)), dim, first=True)
    upper = walled(time * (diffusion + relu(velocity)), dim, first=False)
    return Axis(lower, 1.0 + lower + upper, upper)


def walled(field: Tensor, dim: int, *, first: bool) -> Tensor:
    """The field with 0 in each line's first cell, or in its last."""
    way = -1 if first else 1
    return shifted(shifted(field, way, dim), -way, dim)


def implicit_step_eager(fields: Fields, background: float = 0.0) -> Tensor:
    """`pde_ops.implicit_step` as ordinary differentiable operations, without its checks."""
    time = fields.time[:, None, None]
    along_x = axis(fields.velocity_x, fields.diffusivity_x, time, background, ROWS)
    along_y = axis(fields.velocity_y, fields.diffusivity_y, time, background, COLUMNS)
    g = solve(*along_y, solve(*along_x, fields.h, ROWS), COLUMNS)
    return g if fields.source is None else g + time * fields.source


Gradients = Fields  # of a sum, by each of them


def implicit_step_adjoint(grad: Tensor, fields: Fields, background: float = 0.0) -> Gradients:
    """Gradients of ``sum(grad * implicit_step(...))``: the transposed matrices, in the other order.

    Where y solves M y = r, a gradient g of y gives back, with M^T z = g, z for r and -z y^T for M.
    """
    time = fields.time[:, None, None]
    along_x = axis(fields.velocity_x, fields.diffusivity_x, time, background, ROWS)
    along_y = axis(fields.velocity_y, fields.diffusivity_y, time, background, COLUMNS)
    middle = solve(*along_x, fields.h, ROWS)
    last = solve(*along_y, middle, COLUMNS)
    of_middle = solve_transposed(*along_y, grad, COLUMNS)
    of_h = solve_transposed(*along_x, of_middle, ROWS)
    velocity_y, diffusivity_y, time_y = _of_axis(
        of_middle, last, fields.velocity_y, fields.diffusivity_y, time, background, COLUMNS
    )
    velocity_x, diffusivity_x, time_x = _of_axis(
        of_h, middle, fields.velocity_x, fields.diffusivity_x, time, background, ROWS
    )
    of_time, of_source = time_x + time_y, None
    if fields.source is not None:
        of_time, of_source = of_time + (grad * fields.source).sum((0, 2, 3)), time * grad
    return Gradients(of_h, of_source, velocity_x, velocity_y, diffusivity_x, diffusivity_y, of_time)


def _of_axis(
    z: Tensor, y: Tensor, velocity: Tensor, diffusivity: Tensor, time: Tensor, background: float, dim: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of velocity, diffusivity and time of one direction; see `implicit_step_adjoint`."""
    of_lower = walled(z * (shifted(y, 1, dim) - y), dim, first=True)
    of_upper = walled(z * (shifted(y, -1, dim) - y), dim, first=False)
    of_velocity = time * (of_upper * (velocity > 0) - of_lower * (velocity < 0))
    of_diffusivity = time * (of_lower + of_upper) * (diffusivity > 0)
    diffusion = relu(diffusivity) + background
    rates = of_lower * (diffusion + relu(-velocity)) + of_upper * (diffusion + relu(velocity))
    return of_velocity, of_diffusivity, rates.sum((0, 2, 3))
