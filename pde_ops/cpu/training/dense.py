"""A dense 3x3 convolution of few channels as one C++ kernel, float32 on a CPU, both of its gradients in one pass.

With AVX2 oneDNN brings planes into an order of eight channels beside each other and back, and channels that are no
multiple of eight fill no register: with 10 channels its sums are a tenth of what the processor can do. This kernel has
pixels beside each other. For 8 to 40 channels it takes 0.15 to 0.78 of oneDNN's time, and both gradients 0.23 to 1.05.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from torch import Tensor, nn

from pde_ops.cpu import backend
from pde_ops.cpu.training import stand_in

# Above the first oneDNN's sums are as good; above the second planes leave the cache.
MOST_PAIRS, MOST_PIXELS = 40 * 40, 64 * 64


class DenseConv2d(nn.Conv2d):
    """The 3x3 convolution whose parameters it takes over.

    Examples:
        >>> convolution = nn.Conv2d(10, 10, 3, padding=1, bias=False)
        >>> DenseConv2d(convolution).weight is convolution.weight
        True
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        stand_in.take_over(self, convolution)

    def forward(self, x: Tensor) -> Tensor:
        if not (stand_in.can_run(x) and self._fits(x)):
            return super().forward(x)
        size = x.shape[0], self.out_channels, *x.shape[2:]
        settings = _settings(x, self.weight)
        return stand_in.Convolution.apply(x.contiguous(), self.weight.contiguous(), "dense", size, settings)

    def _fits(self, x: Tensor) -> bool:
        return x.shape[1] == self.in_channels and x.shape[2] * x.shape[3] <= MOST_PIXELS


def takes(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether it is a plain dense 3x3 convolution of torch's with stride and padding 1, without a bias, small enough."""
    return (
        stand_in.is_plain(module, nn.Conv2d)
        and module.kernel_size == (3, 3)
        and module.stride == module.padding == module.dilation == (1, 1)
        and module.padding_mode == "zeros"
        and module.groups == 1
        and module.bias is None
        and module.in_channels * module.out_channels <= MOST_PAIRS
    )


def pays() -> bool:
    """Whether this processor is one of those on which it is quicker."""
    return backend.built() and bool(backend.library().dense_pays())


def _settings(x: Tensor, weight: Tensor) -> tuple[Any, ...]:
    n, channels, rows, columns = x.shape
    return (
        stand_in.numbers(n, channels, weight.shape[0], rows, columns),
        min(n, backend.threads(x.numel() * weight.shape[0])),
    )
