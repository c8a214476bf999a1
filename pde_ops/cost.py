"""What an operator costs: parameters and multiply-accumulates (MACs), from shapes alone.

Two counts of MACs are kept side by side and always named:

``macs``
    convolutions, linear layers and the PDE; normalisations count nothing, since they fold into the
    convolution before them.
``macs_published``
    what the paper counts: convolutions, linear layers and 2 per element of each normalisation's output,
    nothing of the PDE.

All counts are for one image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from records.checks import shown
from records.errors import UserError

PDE_MACS_PER_ELEMENT_STEP = 7
PDE_MACS_PER_ELEMENT_SETUP = 7
# The implicit step: 4 for the time's products with the coefficients, 6 for each of two tridiagonal solves by Thomas's
# algorithm (3 for the pivot, its inverse and the factor, 3 for the solution), 1 for the source.
IMPLICIT_MACS_PER_ELEMENT = 17
NORM_MACS_PUBLISHED = 2


@dataclass(frozen=True)
class Cost:
    """Parameters and MACs of a module for one image; costs add up with ``+`` and scale with ``*``.

    Examples:
        >>> conv_cost(3, 8, 3, (32, 32)) + norm_cost(8, (32, 32))
        Cost(params=232, macs=221184, macs_published=237568)
    """

    params: int = 0
    macs: int = 0
    macs_published: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.params + other.params, self.macs + other.macs, self.macs_published + other.macs_published
        )

    def __radd__(self, other: int) -> Cost:
        """Lets ``sum(costs)`` start from 0."""
        if other != 0:
            return NotImplemented
        return self

    def __mul__(self, times: int) -> Cost:
        return Cost(self.params * times, self.macs * times, self.macs_published * times)

    __rmul__ = __mul__


def require_cost(owner: str, value: Any) -> Cost:
    """``value`` if it is a `Cost`, which ``owner`` stated. Raises `UserError` for anything else."""
    if not isinstance(value, Cost):
        raise UserError(f"{owner}: cost gave {shown(value)}; accepted: a Cost")
    return value


def conv_cost(
    in_channels: int,
    out_channels: int,
    kernel: int | tuple[int, int],
    out_size: tuple[int, int],
    *,
    groups: int = 1,
    bias: bool = False,
) -> Cost:
    """Cost of a 2-D convolution whose output is ``out_size`` = (rows, columns)."""
    rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
    weights = in_channels // groups * out_channels * rows * columns
    macs = weights * out_size[0] * out_size[1]
    return Cost(weights + (out_channels if bias else 0), macs, macs)


def linear_cost(in_features: int, out_features: int, *, bias: bool = True) -> Cost:
    """Cost of a linear layer applied to one vector."""
    macs = in_features * out_features
    return Cost(macs + (out_features if bias else 0), macs, macs)


def norm_cost(channels: int, size: tuple[int, int], *, affine: bool = True) -> Cost:
    """Cost of a batch or group normalisation of a ``(channels, *size)`` map."""
    elements = channels * size[0] * size[1]
    return Cost(2 * channels if affine else 0, 0, NORM_MACS_PUBLISHED * elements)


def pde_cost(channels: int, size: tuple[int, int], steps: int) -> Cost:
    """Cost of ``steps`` steps of the PDE on a ``(channels, *size)`` map, coefficients included."""
    elements = channels * size[0] * size[1]
    return Cost(0, (PDE_MACS_PER_ELEMENT_STEP * steps + PDE_MACS_PER_ELEMENT_SETUP) * elements, 0)


def matrices_cost(channels: int, size: tuple[int, int]) -> Cost:
    """Cost of a matrix along the rows, one along the columns and a factor for each of ``channels`` planes."""
    rows, columns = size
    macs = (rows + columns + 1) * channels * rows * columns
    return Cost(0, macs, macs)


def implicit_cost(channels: int, size: tuple[int, int]) -> Cost:
    """Cost of one implicit step on a ``(channels, *size)`` map, without what makes the coefficients."""
    return Cost(0, IMPLICIT_MACS_PER_ELEMENT * channels * size[0] * size[1], 0)
