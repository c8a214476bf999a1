"""A supernet's operations by the C++ kernels: a ReLU and the depthwise convolution after it as one module, batch norms."""

from __future__ import annotations

from torch import nn

from pde_ops.cpu import norm
from pde_ops.cpu.depthwise_module import DepthwiseConv2d, takes


def fuse(module: nn.Module) -> None:
    """Changes ``module`` in place, and no name of a parameter. Global layers keep their norms, which they read."""
    for sequence in [part for part in module.modules() if isinstance(part, nn.Sequential)]:
        for place, part in enumerate(sequence):
            after = sequence[place + 1] if place + 1 < len(sequence) else None
            if type(part) is nn.ReLU and takes(after):
                sequence[place], sequence[place + 1] = nn.Identity(), DepthwiseConv2d(after, relu=True)
            elif norm.takes(part):
                sequence[place] = norm.BatchNormReLU(part)
