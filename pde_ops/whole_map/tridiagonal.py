"""Tridiagonal systems along one dimension of a tensor, all lines at once, by parallel cyclic reduction.

Each of log2(n) rounds takes out the neighbours at distance s = 1, 2, 4, ..., by their own equations: then a cell is
tied to those at distance 2 s. It needs shifts and products of whole tensors alone, so it is the definition, runs on
every device, and can be exported. Source: Hockney and Jesshope, "Parallel Computers", 1981, section 5.4.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROWS, COLUMNS = 2, 3


def solve(lower: Tensor, diagonal: Tensor, upper: Tensor, right: Tensor, dim: int) -> Tensor:
    """y with ``diagonal[i] y[i] - lower[i] y[i-1] - upper[i] y[i+1] = right[i]`` along ``dim``.

    Stable, whatever the size of the numbers, where lower and upper are >= 0 and add up to less than the
    diagonal in every row or in every column of the matrix.

    Args:
        lower: ``(N, C, H, W)``; in a line's first cell 0. diagonal, right: like it.
        upper: like it; in a line's last cell 0.
        dim: 2, the lines run along the rows' numbers, or 3, along the columns'.

    Returns:
        ``(N, C, H, W)``.
    """
    inverse = diagonal.reciprocal()
    before, after, y = lower * inverse, upper * inverse, right * inverse
    distance, size = 1, right.shape[dim]
    while distance < size:
        # y = before y[-s] + after y[+s] + right, for s = distance, with the equations of both put in
        back, ahead = before * shifted(after, distance, dim), after * shifted(before, -distance, dim)
        inverse = (1.0 - back - ahead).reciprocal()
        y = y + before * shifted(y, distance, dim) + after * shifted(y, -distance, dim)
        y = y * inverse
        before = before * shifted(before, distance, dim) * inverse
        after = after * shifted(after, -distance, dim) * inverse
        distance *= 2
    return y


def solve_transposed(lower: Tensor, diagonal: Tensor, upper: Tensor, right: Tensor, dim: int) -> Tensor:
    """As `solve`, with the transposed matrix."""
    return solve(shifted(upper, 1, dim), diagonal, shifted(lower, -1, dim), right, dim)


def shifted(field: Tensor, distance: int, dim: int) -> Tensor:
    """For each cell the value ``distance`` cells before it along ``dim``, 0 where there is none."""
    widths = (distance, -distance)
    return torch.constant_pad_nd(field, widths if dim == COLUMNS else (0, 0, *widths))
