"""Heat flow, dH/dt = Dx d2H/dx2 + Dy d2H/dy2, solved exactly in time, each channel with its own diffusivities.

Source of the idea: Wang et al., "vHeat: Building Vision Models upon Heat Conduction", CVPR 2025, equations 5 to 9,
which multiplies the map's discrete cosine transform (DCT-II) by exp(-k |w|^2 t). Three things differ here.

- In place of |w|^2 stand the eigenvalues of the five-point Laplacian, 4 sin(w / 2)^2. The solution is then exact on
  the grid, so it keeps the bounds of the map: no value grows beyond its largest one.
- There is a diffusivity along the rows and one along the columns. The transform, the product and the way back are
  then one matrix an axis and channel, which costs H + W multiply-accumulates an element in place of 2 (H + W) + 1.
- Diffusivities are numbers that are learned, not functions of the frequency.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, matrices_cost, norm_cost

DEVIATIONS = (0.5, 8.0)  # pixels that heat of the first and the last channel spreads before training


def heat_matrices(time: Tensor, size: int) -> Tensor:
    """The symmetric matrices exp(-time L) of heat flow along lines of ``size`` cells, walls insulated.

    L is the second difference with zero flux at both ends. Its eigenvectors are the cosines of the DCT-II,
    its eigenvalues 4 sin(w / 2)^2 for w = pi m / size. Rows add up to 1, and no entry is negative.

    Args:
        time: diffusivity times time of each channel, in pixels squared, >= 0, ``(C,)``.
        size: n, cells of a line.

    Returns:
        ``(C, n, n)``.

    Examples:
        >>> heat_matrices(torch.tensor([0.0, 100.0]), 2)
        tensor([[[1.0000, 0.0000],
                 [0.0000, 1.0000]],
        <BLANKLINE>
                [[0.5000, 0.5000],
                 [0.5000, 0.5000]]])
    """
    eigenvalues, waves, apart, together = basis(size, time)
    decay = torch.exp(time[:, None] * -eigenvalues)
    # Of two cosines' product: cos(a) cos(b) = (cos(a - b) + cos(a + b)) / 2; by distance, d = 0 .. 2 n - 1.
    by_distance = (decay[:, :, None] * waves).sum(1)
    entries = by_distance.index_select(1, apart) + by_distance.index_select(1, together)
    return entries.view(-1, size, size)


def basis(size: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What `heat_matrices` are made of, of ``like``'s type and device; kept for each size.

    Eigenvalues ``(n,)``; waves ``(n, 2 n)``, the cosine of each frequency at each distance; and for the n * n entries
    i, j of a matrix their distances abs(i - j) and i + j + 1.
    """
    traced = torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None
    if traced or torch._C._len_torch_dispatch_stack():  # a tensor made now may not outlive the trace
        return _basis(size, like.dtype, like.device)
    return _kept_basis(size, like.dtype, like.device)


def _basis(size: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    wide = torch.float64
    frequencies = torch.arange(size, dtype=wide, device=device) * (math.pi / size)
    distances = torch.arange(2 * size, dtype=wide, device=device)
    waves = torch.cos(frequencies[:, None] * distances) / size
    waves = torch.cat((waves[:1] / 2, waves[1:]))  # the constant has norm 1 / n, the others 2 / n
    cells = torch.arange(size, device=device)
    apart, together = (cells[:, None] - cells).abs(), cells[:, None] + cells + 1
    eigenvalues = 2 - 2 * torch.cos(frequencies)
    return eigenvalues.to(dtype), waves.to(dtype), apart.view(-1), together.view(-1)


@functools.lru_cache(maxsize=64)
def _kept_basis(size: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    with torch.inference_mode(False):  # else a training could not use it later
        return _basis(size, dtype, device)


def heat_flow(x: Tensor, time_x: Tensor, time_y: Tensor, amount: Tensor | None = None) -> Tensor:
    """``x`` after heat flowed in it, or that ``amount`` of the way there: x + amount (heat(x) - x).

    Nothing passes the walls, so each plane keeps its mean.

    Args:
        x: ``(N, C, H, W)``.
        time_x: diffusivity times time along the rows (dimension 2), in pixels squared, >= 0, ``(C,)``. A point
            spreads to a standard deviation of sqrt(2 time) pixels.
        time_y: the same along the columns.
        amount: ``(C,)``, or None for 1. Below 0 it sharpens.

    Returns:
        ``(N, C, H, W)``.
    """
    rows, columns = heat_matrices(time_x, x.shape[2]), heat_matrices(time_y, x.shape[3])
    if amount is None:
        return along_axes(x, rows, columns)
    heat = along_axes(x, rows * amount[:, None, None], columns)
    return torch.addcmul(heat, x, (1.0 - amount)[:, None, None])


def along_axes(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """rows @ x @ columns for every plane of ``x``, ``(N, C, H, W)``; matrices ``(C, H, H)`` and ``(C, W, W)``."""
    if not torch.compiler.is_exporting():
        return torch.matmul(rows, torch.matmul(x, columns))
    # The same as convolutions over whole lines, of which each gives one cell: ONNX knows them with a free batch.
    n, c, h, w = x.shape
    turned = F.conv2d(x, columns.transpose(1, 2).reshape(c * w, 1, 1, w), groups=c).reshape(n, c, w, h)
    return F.conv2d(turned, rows.reshape(c * h, 1, 1, h), groups=c).reshape(n, c, h, w)


class HeatLayer(nn.Module):
    """Maps ``(N, C, H, W)`` to the same: heat flow across the whole map, a batch norm, a ReLU.

    Of each channel are learned: the time that heat flows along rows and along columns (as logarithms, so that
    they stay positive), and the amount of it (see `heat_flow`). Before training the channels' heat spreads by 0.5
    to 8 pixels, in equal ratios from the first to the last, with amount 1. Any size is taken at any time.

    Args:
        channels: C.
        init: a module before, which gives C channels; None: the input itself.

    Examples:
        >>> layer = HeatLayer(16)
        >>> layer(torch.zeros(2, 16, 8, 8)).shape
        torch.Size([2, 16, 8, 8])
        >>> layer.cost((8, 8))
        Cost(params=80, macs=17408, macs_published=19456)
    """

    def __init__(self, channels: int, *, init: nn.Module | None = None) -> None:
        super().__init__()
        self.init = init
        least, most = (math.log(deviation**2 / 2) for deviation in DEVIATIONS)
        self.log_time = nn.Parameter(torch.linspace(least, most, channels).repeat(2, 1))  # x, y
        self.amount = nn.Parameter(torch.ones(channels))
        self.out_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.init is None else self.init(x)
        time_x, time_y = self.log_time.exp().unbind()
        return F.relu(self.out_norm(heat_flow(h, time_x, time_y, self.amount)))

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size`` = (rows, columns); Init counts by its own ``cost``.

        An element costs H + W for the matrices and 1 for the amount. The matrices themselves are made of
        parameters alone, once for all images, and cost nothing.
        """
        total = Cost()
        if self.init is not None:
            total += self.init.cost(size)  # type: ignore[operator]
        channels = self.out_norm.num_features
        return total + Cost(3 * channels) + matrices_cost(channels, size) + norm_cost(channels, size)

    def extra_repr(self) -> str:
        return str(self.out_norm.num_features)
