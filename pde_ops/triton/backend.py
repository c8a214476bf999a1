"""The Triton backend of ``pde_ops::integrate``: whole planes in registers, all steps in one launch.

Planes up to about 64 x 64 forward and 45 x 45 backward (a multiprocessor's registers) are kept on the chip,
`pde_ops.triton.onchip`; larger ones take one launch a step, `pde_ops.triton.large`.

Importable without triton; `unavailable` then says so. Fields are float32, bfloat16 or float16, all
arithmetic is float32.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util

import torch
from torch import Tensor

from pde_ops.triton import launch
from pde_ops.triton.plan import Plan, on_chip_plan

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
LEAST_CAPABILITY = (8, 0)


def unavailable(h: Tensor) -> str | None:
    """Why this backend cannot run for tensors like ``h`` on this machine; None if it can."""
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if h.dtype not in DTYPES:
        return f"it has no {str(h.dtype).removeprefix('torch.')} arithmetic"
    if not interpreted():
        if h.device.type != "cuda":
            return f"it needs a CUDA device, the tensor is on {h.device.type}"
        if torch.version.hip is None and torch.cuda.get_device_capability(h.device) < LEAST_CAPABILITY:
            return "it needs a GPU of compute capability 8.0 or later"
    return None


@functools.lru_cache
def interpreted() -> bool:
    """Whether triton runs its kernels in its interpreter, on the CPU."""
    import triton

    return bool(triton.knobs.runtime.interpret)


@functools.lru_cache(maxsize=4096)
def forward_plan(height: int, width: int, dx: int, dy: int, periodic: bool) -> Plan | None:
    """The forward kernel's tile."""
    return on_chip_plan(height, width, dx, dy, periodic, cells=8, registers=9)


@functools.lru_cache(maxsize=4096)
def backward_plan(height: int, width: int, dx: int, dy: int, periodic: bool) -> Plan | None:
    """The backward kernel's tile; it holds about twice the fields."""
    return on_chip_plan(height, width, dx, dy, periodic, cells=4, registers=29)


def forward(fields, scheme) -> Tensor:
    """The integrated state; see `pde_ops.backends` for the contract."""
    from pde_ops.triton import large, onchip

    plan = forward_plan(*_geometry(fields.h, scheme))
    if fields.h.numel() == 0:
        return torch.empty_like(fields.h)
    with _device(fields.h):
        if plan is None:
            return large.forward(fields, scheme, scales(scheme))
        out = torch.empty_like(fields.h)
        planes = fields.h.shape[0] * fields.h.shape[1]
        launch.launch(
            onchip.forward_kernel, -(-planes // plan.planes),
            out, *fields, planes, *scheme.constants, *scales(scheme),
            STEPS=scheme.steps, plan=plan, num_warps=plan.warps,
        )  # fmt: skip
    return out


def backward(grad: Tensor, fields, scheme, needed) -> tuple[Tensor | None, ...]:
    """Gradients in the order of ``fields``; see `pde_ops.backends` for the contract."""
    from pde_ops.triton import large, onchip

    plan = backward_plan(*_geometry(fields.h, scheme))
    if fields.h.numel() == 0 or not any(needed):
        return tuple(torch.empty_like(fields.h) if wanted else None for wanted in needed)
    with _device(fields.h):
        if plan is None:
            return large.backward(grad, fields, scheme, scales(scheme), needed)
        gradients = tuple(torch.empty_like(fields.h) if wanted else None for wanted in needed)
        planes = fields.h.shape[0] * fields.h.shape[1]
        launch.launch(
            onchip.backward_kernel, -(-planes // plan.planes),
            *gradients, grad, *fields, planes, *scheme.constants, *scales(scheme),
            STEPS=scheme.steps, plan=plan, num_warps=plan.warps,
        )  # fmt: skip
    return gradients


def scales(scheme) -> tuple[float, float, float, float, float]:
    """(dt/dx, dt/dy, 2dt/dx^2, 2dt/dy^2, 2dt), what the kernels need of the numbers."""
    dt, dx, dy = scheme.dt, scheme.dx, scheme.dy
    return dt / dx, dt / dy, 2 * dt / dx**2, 2 * dt / dy**2, 2 * dt


def _geometry(h: Tensor, scheme) -> tuple[int, int, int, int, bool]:
    return h.shape[2], h.shape[3], scheme.dx, scheme.dy, scheme.boundary == "periodic"


def _device(tensor: Tensor):
    return torch.cuda.device(tensor.device) if tensor.is_cuda else contextlib.nullcontext()
