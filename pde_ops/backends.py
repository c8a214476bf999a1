"""The choice among the backends of ``pde_ops::integrate``.

A backend is a module of three functions: ``unavailable(h) -> str | None``, the reason why it cannot run for
tensors like ``h`` (one clause); ``forward(fields, scheme) -> Tensor``; ``backward(grad, fields, scheme,
needed)``, a tuple of seven gradients in the order of `pde_ops.scheme.Fields`, None where not needed. All
tensors are contiguous, of one shape, type and device.
"""

from __future__ import annotations

from types import ModuleType

from torch import Tensor

from pde_ops import eager_backend
from pde_ops.cpu import backend as cpu_backend
from pde_ops.triton import backend as triton_backend

COMPILED = {"cpu": cpu_backend, "triton": triton_backend}


def choose(name: str, h: Tensor) -> ModuleType:
    """The backend called ``name`` for tensors like ``h``; "auto" is the fastest that applies.

    Raises:
        ValueError: the backend cannot run for such tensors on this machine.
    """
    return select(name, h)[0]


def select(name: str, h: Tensor) -> tuple[ModuleType, str]:
    """As `choose`, and the reason where "auto" had to take the definition; else an empty string."""
    if name == "eager":
        return eager_backend, ""
    wanted = ("cpu" if h.device.type == "cpu" else "triton") if name == "auto" else name
    reason = COMPILED[wanted].unavailable(h)
    if reason is None:
        return COMPILED[wanted], ""
    if name != "auto":
        raise ValueError(f"backend={name!r} cannot run: {reason}; accepted here: 'auto', 'eager'")
    return eager_backend, f"backend {wanted!r} cannot run: {reason}"
