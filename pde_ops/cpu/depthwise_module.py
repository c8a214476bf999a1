"""Depthwise convolutions of a network by their kernel (`pde_ops.cpu.depthwise`), with the parameters that they have."""

from __future__ import annotations

from typing import TypeGuard

from torch import Tensor, nn

from pde_ops.cpu import stand_in
from pde_ops.cpu.depthwise import KERNELS, STRIDES, depthwise


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
