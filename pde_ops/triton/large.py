"""Planes too large for the chip: the launches of `pde_ops.triton.steps` and their few buffers.

The buffers are a fixed number of fields, whatever the number of steps: two for the forward pass, at most
twelve for the backward one. The backward pass integrates again from the inputs, two adjoint steps for each
such pass, as the on-chip kernel does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pde_ops.triton import launch, steps

BLOCK = 512


def forward(fields, scheme, scales) -> Tensor:
    """The integrated state; see `pde_ops.backends` for the contract."""
    launch = _Launcher(fields, scheme, scales)
    out = torch.empty_like(fields.h)
    buffers = _buffers(fields.h, min(2, scheme.steps - 1))
    p, h = fields.h if fields.initial is None else fields.initial, fields.h
    for k in range(scheme.steps):
        new = out if k == scheme.steps - 1 else buffers[k % 2]
        launch.step(new, h, p)
        p, h = h, new
    return out


def backward(grad: Tensor, fields, scheme, scales, needed) -> tuple[Tensor | None, ...]:
    """Gradients in the order of ``fields``; see `pde_ops.backends` for the contract."""
    launch = _Launcher(fields, scheme, scales)
    wants_h, wants_f, wants_u, wants_v, wants_bx, wants_by, wants_p = needed
    # In the order of the kernel: source, velocities, diffusivities, divergence.
    wanted = (wants_f, wants_u, wants_v, wants_bx, wants_by, wants_u or wants_v)
    sums = [_buffers(grad, 1)[0] if want else None for want in wanted]
    states = _buffers(grad, min(3, scheme.steps - 1))
    gs, waiting = _buffers(grad, 2), _buffers(grad, 1)[0]
    start = fields.h if fields.initial is None else fields.initial

    g, known, k = grad, None, scheme.steps
    while k > 0:
        first, before, now = start, start, fields.h
        for n in range(k - 1):
            new = states[n % 3]
            launch.step(new, now, before)
            first, before, now = before, now, new
        pair = ((now, before, None), (before, first, now))
        for now_k, before_k, after_k in pair[: min(2, k)]:
            new_g = gs[0] if g is not gs[0] else gs[1]
            launch.adjoint(new_g, waiting, sums, g, known, now_k, before_k, after_k)
            g, known = new_g, waiting
        k -= 2

    narrow = fields.h.dtype != torch.float32
    gradients = [
        None if not want else torch.empty_like(fields.h) if narrow else total
        for want, total in zip(wanted[:5], sums, strict=False)
    ]
    launch.finish(gradients, sums)
    d_h = g + waiting if fields.initial is None else g
    source, *coefficients = gradients
    return (
        d_h.to(fields.h.dtype) if wants_h else None,
        source,
        *coefficients,
        waiting.to(fields.h.dtype) if wants_p else None,
    )


class _Launcher:
    """The kernels with the arguments that stay the same from launch to launch."""

    def __init__(self, fields, scheme, scales) -> None:
        batch, channels, height, width = fields.h.shape
        self.programs = batch * channels * -(-height * width // BLOCK)
        self.fields, self.constants, self.scales = fields, scheme.constants, scales
        self.size = (height, width, scheme.dx, scheme.dy)
        self.options = {"BLOCK": BLOCK, "PERIODIC": scheme.boundary == "periodic", "num_warps": 4}

    def step(self, new: Tensor, h: Tensor, p: Tensor) -> None:
        launch.launch(
            steps.step_kernel, self.programs, new, h, p, *self.fields[1:6],
            *self.size, *self.constants, *self.scales, **self.options,
        )  # fmt: skip

    def adjoint(self, new_g, new_waiting, sums, g, waiting, now, before, after) -> None:
        fields = (now, before, after, *self.fields[1:6])
        launch.launch(
            steps.adjoint_kernel, self.programs, new_g, new_waiting, *sums, g, waiting, *fields,
            *self.size, *self.constants, *self.scales, FIRST=waiting is None, **self.options,
        )  # fmt: skip

    def finish(self, gradients, sums) -> None:
        launch.launch(
            steps.finish_kernel, self.programs, *gradients, *sums, *self.fields[4:6],
            *self.size, *self.constants[2:], *self.scales, **self.options,
        )  # fmt: skip


def _buffers(like: Tensor, count: int) -> list[Tensor]:
    return [torch.empty_like(like, dtype=torch.float32) for _ in range(count)]
