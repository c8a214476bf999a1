"""How the tests run or compile the Triton kernels without a GPU, and what they compare with."""

from __future__ import annotations

import contextlib
import os
import sys

import pytest
import torch

import pde_ops.triton
from pde_ops import eager_backend
from pde_ops.scheme import Fields, Scheme
from pde_ops.triton import backend as triton_backend

pytest.importorskip("triton")
KERNEL_MODULES = ("planes", "onchip", "steps", "large")


@contextlib.contextmanager
def kernels(*, interpret: bool):
    """Triton decides when a kernel is defined whether it is interpreted: define them again, so decided."""
    before = os.environ.get("TRITON_INTERPRET")
    os.environ["TRITON_INTERPRET"] = "1" if interpret else "0"
    _forget()
    try:
        yield
    finally:
        _forget()
        if before is None:
            del os.environ["TRITON_INTERPRET"]
        else:
            os.environ["TRITON_INTERPRET"] = before


def _forget() -> None:
    triton_backend.interpreted.cache_clear()
    for name in KERNEL_MODULES:
        sys.modules.pop(f"pde_ops.triton.{name}", None)
        if hasattr(pde_ops.triton, name):
            delattr(pde_ops.triton, name)


def random_fields(
    shape, *, seed=0, dtype=torch.float32, device="cpu", source=True, initial=True, numbers=()
) -> tuple[torch.Tensor, Fields]:
    """A gradient of the result and fields of order one; those of ``numbers`` (0-3) are numbers, so None."""
    generator = torch.Generator().manual_seed(seed)
    draw = [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(8)]
    grad, h, f, u, v, bx, by, p = draw
    coefficients = [0.5 * u, 0.5 * v, bx.abs(), by.abs()]
    chosen = [h, f if source else None]
    chosen += [None if n in numbers else field for n, field in enumerate(coefficients)]
    chosen.append(p if initial else None)
    move = [None if field is None else field.to(device, dtype) for field in chosen]
    return grad.to(device, dtype), Fields(*move)


def scheme(steps=3, dt=0.2, dx=1, dy=1, boundary="periodic", constants=(0.3, -0.4, 0.5, 0.7)) -> Scheme:
    return Scheme(constants, steps, dt, dx, dy, boundary)


def errors(grad: torch.Tensor, fields: Fields, scheme: Scheme, backend=triton_backend) -> list[float]:
    """Of the result and of every gradient: largest error against float64 eager over its largest value.

    A gradient much smaller than the others (that of a velocity on a single cell is exactly zero) is
    measured against a tenth of the largest.
    """
    needed = tuple(field is not None for field in fields)
    wide = Fields(*(None if field is None else field.double() for field in fields))
    found = (backend.forward(fields, scheme), *backend.backward(grad, fields, scheme, needed))
    expected = (
        eager_backend.forward(wide, scheme),
        *eager_backend.backward(grad.double(), wide, scheme, needed),
    )
    assert [x is None for x in found] == [x is None for x in expected]
    pairs = [(x, y) for x, y in zip(found, expected, strict=True) if x is not None]
    assert all(x.dtype == fields.h.dtype and x.shape == fields.h.shape for x, _ in pairs)
    floor = 0.1 * max(float(y.abs().max()) for _, y in pairs)
    return [float((x.double() - y).abs().max()) / max(float(y.abs().max()), floor) for x, y in pairs]
