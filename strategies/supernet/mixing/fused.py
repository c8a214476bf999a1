"""A ReLU and the depthwise convolution after it as one module, where an operation has them in sequence."""

from __future__ import annotations

from torch import nn

from pde_ops.cpu.depthwise_module import DepthwiseConv2d, takes


def fuse(module: nn.Module) -> None:
    """Changes ``module`` in place, and no name of a parameter."""
    for sequence in [part for part in module.modules() if isinstance(part, nn.Sequential)]:
        for place in range(len(sequence) - 1):
            first, second = sequence[place], sequence[place + 1]
            if type(first) is nn.ReLU and takes(second):
                sequence[place], sequence[place + 1] = nn.Identity(), DepthwiseConv2d(second, relu=True)
