"""The implicit step by the C++ kernel: float32 and float64, each plane in one core's cache."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from pde_ops.cpu import backend
from pde_ops.whole_map.implicit import Fields, Gradients

# A cell of the two solves takes as long as about this many element-steps of the explicit scheme.
ELEMENT_STEPS = 4


def unavailable(h: Tensor) -> str | None:
    """Why the kernel cannot run for tensors like ``h``; None where it can."""
    reason = backend.unavailable(h)
    if reason is None and h.dtype not in (torch.float32, torch.float64):
        return f"it has no {h.dtype}"
    return reason


def forward(fields: Fields, background: float) -> Tensor:
    """The state after the step; all fields contiguous and of one type."""
    out = torch.empty_like(fields.h)
    if out.numel():
        backend.library().pde_implicit(
            backend.TYPES[out.dtype],
            ctypes.c_void_p(out.data_ptr()),
            backend.pointers(fields),
            ctypes.c_double(background),
            *_sizes(out),
        )
    return out


def backward(grad: Tensor, fields: Fields, background: float) -> Gradients:
    """Gradients of all fields."""
    n, c = fields.h.shape[:2]
    planes: list[Any] = [None if field is None else torch.empty_like(fields.h) for field in fields[:-1]]
    gradients = Gradients._make([*planes, fields.h.new_zeros(n, c)])
    if grad.numel():
        backend.library().pde_implicit_backward(
            backend.TYPES[grad.dtype], backend.pointers(gradients), ctypes.c_void_p(grad.data_ptr()),
            backend.pointers(fields), ctypes.c_double(background), *_sizes(grad),
        )  # fmt: skip
    return gradients._replace(time=gradients.time.sum(0))


def _sizes(h: Tensor) -> tuple:
    threads = min(backend.threads(h.numel() * ELEMENT_STEPS), h.shape[0] * h.shape[1])
    return (ctypes.c_long * 4)(*h.shape), threads
