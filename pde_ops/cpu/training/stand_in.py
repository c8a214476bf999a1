"""What the modules have in common that stand for torch's while a network is trained on a CPU."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, TypeGuard, TypeVar

import torch
from torch import Tensor, nn

from pde_ops.cpu import backend

_Module = TypeVar("_Module", bound=nn.Module)


def take_over(own: nn.Module, other: nn.Module) -> None:
    """In place of ``own``'s construction: it has the settings of ``other``, and shares its parameters and buffers."""
    nn.Module.__init__(own)
    own.__dict__.update({k: v for k, v in other.__dict__.items() if k not in own.__dict__})
    own._parameters, own._buffers = other._parameters, other._buffers
    own.train(other.training)


def is_plain(module: nn.Module | None, kind: type[_Module]) -> TypeGuard[_Module]:
    """Whether it is torch's own module of that kind, in float32, with nothing hooked to it.

    Examples:
        >>> is_plain(nn.Conv2d(2, 2, 1), nn.Conv2d), is_plain(nn.Conv2d(2, 2, 1).double(), nn.Conv2d)
        (True, False)
    """
    return (
        type(module) is kind
        and not module._forward_hooks
        and not module._forward_pre_hooks
        and all(parameter.dtype == torch.float32 for parameter in module.parameters())
    )


def can_run(x: Tensor) -> bool:
    """Whether the kernels can take ``x``: (N, C, H, W), float32 on a CPU, outside of autocast and compilation."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.dim() == 4
        and x.numel() > 0
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and backend.built()
    )


def addresses(*tensors: Tensor | None) -> list[ctypes.c_void_p]:
    """Those of the values, null for None. The tensors must live until the kernel has run."""
    return [ctypes.c_void_p(None if tensor is None else tensor.data_ptr()) for tensor in tensors]


def numbers(*values: int) -> ctypes.Array:
    """A C array of longs."""
    return (ctypes.c_long * len(values))(*values)


class Convolution(torch.autograd.Function):
    """By the library's functions ``name`` and ``name``_backward, of x and weight, contiguous, to an output of ``size``.

    The first one takes (x, weight, output, *settings), the second one (x, weight, gradient of the output, of x, of
    weight, *settings), where a gradient that is not wanted is null.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, name: str, size: Sequence[int], settings: Sequence[Any]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.name, ctx.settings = name, settings
        out = x.new_empty(size)
        getattr(backend.library(), name)(*addresses(x, weight, out), *settings)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x, grad_weight = (
            torch.empty(tensor.shape) if wanted else None
            for tensor, wanted in zip((x, weight), ctx.needs_input_grad, strict=False)
        )
        given = addresses(x, weight, grad, grad_x, grad_weight)
        getattr(backend.library(), f"{ctx.name}_backward")(*given, *ctx.settings)
        return grad_x, grad_weight, None, None, None
