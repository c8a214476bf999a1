"""A 1x1 convolution of few channels as one C++ kernel, float32 on a CPU, both of its gradients in one pass.

oneDNN brings planes into an order of its own and back for each of its convolutions. With few channels that is most of
what a 1x1 convolution takes: this kernel takes a fifth to nine tenths of its time.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from torch import Tensor, nn

from pde_ops.cpu import backend
from pde_ops.cpu.training import stand_in

MOST_WEIGHTS = 4096  # above, arithmetic takes the time, and oneDNN's is as good (measured on AVX-512)


class PointwiseConv2d(nn.Conv2d):
    """The 1x1 convolution whose parameters it takes over.

    Examples:
        >>> convolution = nn.Conv2d(8, 4, 1, bias=False)
        >>> PointwiseConv2d(convolution).weight is convolution.weight
        True
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        stand_in.take_over(self, convolution)

    def forward(self, x: Tensor) -> Tensor:
        if not (stand_in.can_run(x) and x.shape[1] == self.in_channels):
            return super().forward(x)
        size = x.shape[0], self.out_channels, *x.shape[2:]
        settings = _settings(x, self.weight)
        return stand_in.Convolution.apply(
            x.contiguous(), self.weight.contiguous(), "pointwise", size, settings
        )


def takes(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether it is a dense 1x1 convolution of torch's without stride, padding or bias, and small enough."""
    return (
        stand_in.is_plain(module, nn.Conv2d)
        and module.kernel_size == module.stride == (1, 1)
        and module.padding == (0, 0)
        and module.groups == 1
        and module.bias is None
        and module.weight.numel() <= MOST_WEIGHTS
    )


def _settings(x: Tensor, weight: Tensor) -> tuple[Any, ...]:
    n, channels, rows, columns = x.shape
    return (
        stand_in.numbers(n, channels, weight.shape[0], rows * columns),
        min(n, backend.threads(x.numel() * weight.shape[0] // 8)),
    )
