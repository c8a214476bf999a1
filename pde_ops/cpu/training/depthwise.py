"""A depthwise convolution, and one behind a ReLU, as one C++ kernel, float32 on a CPU.

In torch 2.11 on a CPU with AVX2 the gradient of a depthwise convolution is many times as dear as its forward pass, the
more so the larger the kernel. Here both are plain sums over taps, and nothing is kept for the backward pass but the
input. The separable convolutions of a cell begin with a ReLU, and the operations of an edge share what they keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cpu import backend
from pde_ops.cpu.training import stand_in

KERNELS = (3, 5, 7)
STRIDES = (1, 2)


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution of the input, or of its positive part, that takes over the parameters of another.

    Examples:
        >>> convolution = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        >>> DepthwiseConv2d(convolution, relu=True).weight is convolution.weight
        True
    """

    def __init__(self, convolution: nn.Conv2d, *, relu: bool = False) -> None:
        stand_in.take_over(self, convolution)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        return depthwise(x, self.weight, stride=self.stride[0], dilation=self.dilation[0], relu=self.relu)


def takes(module: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    """Whether it is a plain convolution of torch's that the kernel can stand for: depthwise, square, without a bias,
    and only its stride changes the size."""
    if not stand_in.is_plain(module, nn.Conv2d):
        return False
    kernel, stride, dilation = module.kernel_size, module.stride, module.dilation
    return (
        module.groups == module.in_channels == module.out_channels
        and module.bias is None
        and module.padding_mode == "zeros"
        and kernel[0] == kernel[1]
        and kernel[0] in KERNELS
        and stride[0] == stride[1]
        and stride[0] in STRIDES
        and dilation[0] == dilation[1]
        and module.padding == (dilation[0] * (kernel[0] // 2),) * 2
    )


def depthwise(x: Tensor, weight: Tensor, *, stride: int = 1, dilation: int = 1, relu: bool = False) -> Tensor:
    """``conv2d(x, weight)``, with ``relu`` of ``relu(x)``, with one filter a channel and padding that keeps the size:
    ``(N, C, H, W)`` to ``(N, C, ceil(H / stride), ceil(W / stride))``; ``weight`` is ``(C, 1, K, K)`` with K odd.

    What the kernel does not take (another type or device, K above 7, autocast) goes through torch.

    Examples:
        >>> depthwise(torch.zeros(1, 2, 5, 5), torch.zeros(2, 1, 3, 3), stride=2).shape
        torch.Size([1, 2, 3, 3])
    """
    if _taken(x, weight, stride):
        size = *x.shape[:2], *(-(-length // stride) for length in x.shape[2:])
        settings = _settings(x, size, weight, stride, dilation, relu)
        return stand_in.Convolution.apply(x.contiguous(), weight.contiguous(), "depthwise", size, settings)
    padding = dilation * (weight.shape[2] // 2)
    return F.conv2d(F.relu(x) if relu else x, weight, None, stride, padding, dilation, groups=x.shape[1])


def _taken(x: Tensor, weight: Tensor, stride: int) -> bool:
    return (
        stand_in.can_run(x)
        and weight.dtype == torch.float32
        and weight.shape == (x.shape[1], 1, weight.shape[3], weight.shape[3])
        and weight.shape[3] in KERNELS
        and stride in STRIDES
    )


def _settings(
    x: Tensor, size: Sequence[int], weight: Tensor, stride: int, dilation: int, relu: bool
) -> tuple[Any, ...]:
    sizes = stand_in.numbers(*x.shape, *size[2:])
    kernel = weight.shape[3]
    return sizes, kernel, dilation, stride, int(relu), backend.threads(x.numel() * kernel * kernel // 8)
