"""The backends of ``pde_ops::integrate`` and the choice among them.

A backend is a module of three functions: ``unavailable(h) -> str | None``, the reason why it cannot run for
tensors like ``h`` (one clause); ``forward(fields, scheme) -> Tensor``; ``backward(grad, fields, scheme,
needed)``, a tuple of seven gradients in the order of `Fields`, None where not needed. All tensors are
contiguous, of one shape, type and device.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

from torch import Tensor

from pde_ops import eager_backend
from pde_ops.cpu import backend as cpu_backend
from pde_ops.triton import backend as triton_backend

NAMES = ("auto", "eager", "cpu", "triton")


class Fields(NamedTuple):
    """Tensor inputs ``(N, C, H, W)``; None: no source, a number from `Scheme.constants`, initial = h."""

    h: Tensor
    source: Tensor | None
    velocity_x: Tensor | None
    velocity_y: Tensor | None
    diffusivity_x: Tensor | None
    diffusivity_y: Tensor | None
    initial: Tensor | None


class Scheme(NamedTuple):
    """Everything that is not a tensor; ``constants`` are numbers for absent velocities and diffusivities."""

    steps: int
    dt: float
    dx: int
    dy: int
    boundary: str
    constants: tuple[float, ...]


def choose(name: str, h: Tensor) -> ModuleType:
    """The backend called ``name`` for tensors like ``h``; "auto" is the fastest that applies.

    Raises:
        ValueError: the backend cannot run for such tensors on this machine.
    """
    if name == "eager":
        return eager_backend
    if name in ("auto", "cpu") and h.device.type == "cpu":
        reason = cpu_backend.unavailable(h)
        if reason is None:
            return cpu_backend
        if name == "cpu":
            raise ValueError(f"backend='cpu' cannot run: {reason}; accepted here: 'auto', 'eager'")
        return eager_backend
    if name == "cpu":
        raise ValueError(
            f"backend='cpu' cannot run on a {h.device.type} tensor; accepted here: 'auto', 'eager'"
        )
    reason = triton_backend.unavailable(h)
    if reason is None:
        return triton_backend
    if name == "triton":
        raise ValueError(f"backend='triton' cannot run: {reason}; accepted here: 'auto', 'eager'")
    return eager_backend
