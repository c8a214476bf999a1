"""The eager backend of ``pde_ops::integrate``: the definition and its adjoint in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor

from pde_ops.adjoint import integrate_adjoint
from pde_ops.eager import integrate_eager


def forward(fields, scheme) -> Tensor:
    """The integrated state; see `pde_ops.backends` for the contract."""
    return integrate_eager(
        fields.h, fields.source, *_coefficients(fields, scheme),
        steps=scheme.steps, dt=scheme.dt, dx=scheme.dx, dy=scheme.dy,
        initial=fields.initial, boundary=scheme.boundary,
    )  # fmt: skip


def backward(grad: Tensor, fields, scheme, needed) -> tuple[Tensor | None, ...]:
    """Gradients in the order of ``fields``; see `pde_ops.backends` for the contract."""
    dtype = fields.h.dtype
    wide = torch.promote_types(dtype, torch.float32)
    fields = type(fields)(*(None if t is None else t.to(wide) for t in fields))
    gradients = integrate_adjoint(
        grad.to(wide), fields.h, fields.source, *_coefficients(fields, scheme),
        steps=scheme.steps, dt=scheme.dt, dx=scheme.dx, dy=scheme.dy,
        initial=fields.initial, boundary=scheme.boundary,
    )  # fmt: skip
    if fields.initial is None:
        gradients = gradients._replace(h=gradients.h + gradients.initial)
    return tuple(g.to(dtype) if wanted else None for g, wanted in zip(gradients, needed, strict=True))


def _coefficients(fields, scheme):
    return [number if t is None else t for t, number in zip(fields[2:6], scheme.constants, strict=True)]
