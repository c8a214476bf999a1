"""A dense convolution in bfloat16 between layers in float32, while a network is trained on a CPU.

Where the processor multiplies bfloat16 (AMX, AVX-512 BF16) such a convolution takes a third to a half of its time in
float32. The kernels of norms, depthwise convolutions and global layers are float32 with planes one after the other; so
what goes in and comes out of the convolution is converted, by a kernel that takes little more than a copy. The sums are
oneDNN's, in float32; the input, the weights, the output and their gradients are rounded, as under ``torch.autocast``.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from pde_ops.cpu.rounding import from_rounded, to_rounded
from pde_ops.cpu.training import stand_in

LEAST_CHANNELS = 4  # the gradient of an image is not asked for, and three channels fill no register
# Below both of these the time goes into asking for it (measured on AVX-512 BF16, 128 images).
LEAST_PIXELS, MANY_CHANNELS = 256, 32


class RoundedConv2d(nn.Conv2d):
    """The dense convolution whose parameters it takes over.

    Examples:
        >>> convolution = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        >>> RoundedConv2d(convolution).weight is convolution.weight
        True
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        stand_in.take_over(self, convolution)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self._taken(x)):
            return super().forward(x)
        return _Convolution.apply(
            x, self.weight, [list(self.stride), list(self.padding), list(self.dilation)]
        )

    def _taken(self, x: Tensor) -> bool:
        pixels = x.shape[-2] * x.shape[-1] // (self.stride[0] * self.stride[1])
        return stand_in.can_run(x) and (pixels >= LEAST_PIXELS or self.in_channels >= MANY_CHANNELS)


def takes(module: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    """Whether it is a plain dense convolution of torch's, 3x3 or larger, in float32, padded with zeros, without a bias."""
    return (
        stand_in.is_plain(module, nn.Conv2d)
        and module.groups == 1
        and module.in_channels >= LEAST_CHANNELS
        and min(module.kernel_size) >= 3
        and module.bias is None
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, settings: list[list[int]]) -> Tensor:
        x, weight = to_rounded(x), weight.to(torch.bfloat16, memory_format=torch.channels_last)
        ctx.save_for_backward(x, weight)
        ctx.settings = settings
        return from_rounded(torch.ops.aten.convolution(x, weight, None, *settings, False, [0, 0], 1))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wanted = [*ctx.needs_input_grad[:2], False]
        grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
            to_rounded(grad), x, weight, None, *ctx.settings, False, [0, 0], 1, wanted
        )
        return (
            None if grad_x is None else from_rounded(grad_x),
            None
            if grad_weight is None
            else grad_weight.to(torch.float32, memory_format=torch.contiguous_format),
            None,
        )
