"""The C++ backend of ``pde_ops::integrate``: float32, float64, and bfloat16 with float32 arithmetic.

Each plane stays in one core's cache for all steps; planes are shared among threads. The backward is the
discrete adjoint on states recomputed there: between forward and backward nothing is kept but the inputs.
"""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor
from torch.autograd import forward_ad

from pde_ops.cpu import build

TYPES = {torch.float32: 0, torch.float64: 1, torch.bfloat16: 2}
# Below this many element-steps a thread's start costs more than it saves.
ELEMENT_STEPS_PER_THREAD = 8192


def built() -> bool:
    """Whether the kernels are there (they are built now if they were not)."""
    return not isinstance(build.kernels(), str)


# What torch.compiler.assume_constant_result sets; itself it imports all of torch._dynamo, 1.5 s of every process.
built._dynamo_marked_constant = True  # type: ignore[attr-defined]


def unavailable(h: Tensor) -> str | None:
    """Why this backend cannot run for tensors like ``h``; None where it can."""
    if h.device.type != "cpu":
        return f"the tensors are on {h.device}"
    if h.dtype not in TYPES:
        return f"it has no {h.dtype}"
    kernels = build.kernels()
    return kernels if isinstance(kernels, str) else None


def forward(fields, scheme) -> Tensor:
    """The integrated state; see `pde_ops.backends` for the contract."""
    out = torch.empty_like(fields.h)
    if out.numel():
        library().pde_integrate(
            TYPES[out.dtype], ctypes.c_void_p(out.data_ptr()), pointers(fields), doubles(scheme.constants),
            *_sizes(fields.h, scheme),
        )  # fmt: skip
    return out


def backward(grad: Tensor, fields, scheme, needed) -> tuple[Tensor | None, ...]:
    """Gradients in the order of ``fields``; see `pde_ops.backends` for the contract."""
    gradients = [torch.empty_like(fields.h) if wanted else None for wanted in needed]
    if grad.numel():
        library().pde_integrate_backward(
            TYPES[grad.dtype], pointers(gradients), ctypes.c_void_p(grad.data_ptr()), pointers(fields),
            doubles(scheme.constants), *_sizes(fields.h, scheme),
        )  # fmt: skip
    return tuple(gradients)


def is_ordinary(x: Tensor) -> bool:
    """Whether a kernel may read ``x`` past torch's dispatcher: a tensor of a CPU that nobody transforms or watches."""
    return (
        not torch.compiler.is_compiling()  # first: what follows is not for a compiler's eyes
        and type(x) is Tensor
        and x.is_cpu
        and not torch._C._len_torch_dispatch_stack()
        and not torch._C._len_torch_function_stack()
        and torch._C._functorch.peek_interpreter_stack() is None
        and forward_ad._current_level < 0
        and torch._C._get_tracing_state() is None
    )


def library() -> ctypes.CDLL:
    """The kernels, which must be there."""
    kernels = build.kernels()
    if isinstance(kernels, str):
        raise RuntimeError(kernels)
    return kernels


def pointers(tensors) -> ctypes.Array:
    """A C array of data pointers, null for None."""
    return (ctypes.c_void_p * len(tensors))(*[None if t is None else t.data_ptr() for t in tensors])


def doubles(numbers) -> ctypes.Array:
    """A C array of doubles."""
    return (ctypes.c_double * len(numbers))(*numbers)


def threads(element_steps: int) -> int:
    """How many of torch's threads the work is worth."""
    return max(1, min(torch.get_num_threads(), element_steps // ELEMENT_STEPS_PER_THREAD))


def _sizes(h: Tensor, scheme) -> tuple:
    n, c, rows, columns = h.shape
    return (
        ctypes.c_long(n * c), rows, columns, scheme.steps, ctypes.c_double(scheme.dt), scheme.dx, scheme.dy,
        int(scheme.boundary == "periodic"), threads(h.numel() * scheme.steps),
    )  # fmt: skip
