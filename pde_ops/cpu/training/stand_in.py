"""What the modules have in common that stand for torch's while a network is trained on a CPU."""

from __future__ import annotations

import ctypes
from typing import TypeGuard, TypeVar

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
