"""A 1x1 convolution of few channels as one C++ kernel, float32 on a CPU, both of its gradients in one pass.

oneDNN brings planes into an order of its own and back for each of its convolutions. With few channels that is most of
what a 1x1 convolution takes: this kernel takes a fifth to nine tenths of its time.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
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
        return _Pointwise.apply(x.contiguous(), self.weight)


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


class _Pointwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        weight = weight.contiguous()
        ctx.save_for_backward(x, weight)
        out = x.new_empty(x.shape[0], weight.shape[0], *x.shape[2:])
        backend.library().pointwise(*stand_in.addresses(x, weight, out), *_settings(x, weight))
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x, grad_weight = (
            torch.empty(tensor.shape) if wanted else None
            for tensor, wanted in zip((x, weight), ctx.needs_input_grad, strict=True)
        )
        backend.library().pointwise_backward(
            *stand_in.addresses(x, weight, grad, grad_x, grad_weight), *_settings(x, weight)
        )
        return grad_x, grad_weight


def _settings(x: Tensor, weight: Tensor) -> tuple[Any, ...]:
    n, channels, rows, columns = x.shape
    return (
        stand_in.numbers(n, channels, weight.shape[0], rows * columns),
        min(n, backend.threads(x.numel() * weight.shape[0] // 8)),
    )
