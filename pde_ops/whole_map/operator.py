"""`implicit_step`, and the torch operator ``pde_ops::implicit_step`` behind it."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from pde_ops.cost import IMPLICIT_MACS_PER_ELEMENT
from pde_ops.operator import below_autograd, by_definition_alone, library, numel, records
from pde_ops.whole_map import kernel
from pde_ops.whole_map.implicit import Fields, Gradients, implicit_step_adjoint, implicit_step_eager

BACKENDS = ("auto", "eager", "cpu")
COUNT = len(Fields._fields)
SCHEMA = (
    "Tensor h, Tensor? source, Tensor velocity_x, Tensor velocity_y, Tensor diffusivity_x, "
    "Tensor diffusivity_y, Tensor time, float background, str backend"
)


def implicit_step(
    h: Tensor,
    velocity_x: Tensor,
    velocity_y: Tensor,
    diffusivity_x: Tensor,
    diffusivity_y: Tensor,
    time: Tensor,
    *,
    source: Tensor | None = None,
    background: float = 0.0,
    backend: str = "auto",
) -> Tensor:
    """One implicit step of dH/dt = D Laplace(H) + v . grad H + f on every plane of ``h``.

    Two tridiagonal solves, along the rows and along the columns; `pde_ops.whole_map.implicit` has the formulas.
    With a background above 0 every cell depends on every cell of its plane. Stable for all velocities, diffusivities and times: without a source
    the result is a weighted mean of ``h``, so it keeps the bounds of the plane.

    Args:
        h: the state, ``(N, C, H, W)``; x is dimension 2 (rows), y is dimension 3 (columns).
        velocity_x: along the rows, like ``h``, of either sign; positive ones carry towards lower indices.
        velocity_y: the same along the columns.
        diffusivity_x: along the rows, like ``h``; below 0 it counts as 0.
        diffusivity_y: the same along the columns.
        time: length of the step for each channel, ``(C,)``, > 0. It is learned like the fields.
        source: f, like ``h``, or None for no source.
        background: a number >= 0 that is added to the diffusivities.
        backend: "auto" takes the C++ kernel where it can run, "cpu" demands it, "eager" is the definition.

    Returns:
        The state after the step, contiguous, of ``h``'s shape. Tensors of mixed floating types are promoted.

    Raises:
        ValueError: a shape that cannot work, or a backend that is not known or cannot run here.

    Examples:
        >>> h = torch.zeros(1, 1, 1, 3)
        >>> h[..., 1] = 4
        >>> no, yes = torch.zeros_like(h), torch.ones_like(h)
        >>> implicit_step(h, no, no, no, yes, torch.ones(1))
        tensor([[[[1., 2., 1.]]]])
    """
    if not isinstance(h, Tensor) or h.dim() != 4 or not h.is_floating_point():
        raise ValueError(f"h is {_describe(h)}; accepted: a floating-point tensor (N, C, H, W)")
    fields = Fields(h, source, velocity_x, velocity_y, diffusivity_x, diffusivity_y, time)
    dtype = h.dtype
    for name, value in zip(Fields._fields, fields, strict=True):
        shape = h.shape[1:2] if name == "time" else h.shape
        if value is None and name == "source":
            continue
        if not isinstance(value, Tensor) or value.shape != shape or not value.is_floating_point():
            raise ValueError(
                f"{name} is {_describe(value)}; accepted: a floating-point tensor {tuple(shape)}"
            )
        dtype = torch.promote_types(dtype, value.dtype)
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}; accepted: {', '.join(BACKENDS)}")
    given = [value if value is None or value.dtype == dtype else value.to(dtype) for value in fields]
    if (
        isinstance(background, bool)
        or not isinstance(background, (int, float))
        or not 0 <= background < math.inf
    ):
        raise ValueError(f"background is {background!r}; accepted: a finite number >= 0")
    if by_definition_alone():
        return implicit_step_eager(Fields(*(_wide(field, dtype) for field in given)), float(background)).to(
            dtype
        )
    return STEP(*given, float(background), backend)


def _describe(value: Any) -> str:
    return f"a {value.dtype} tensor {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)


def select(backend: str, h: Tensor) -> tuple[ModuleType | None, str]:
    """The kernel, or None for the definition, and the reason why "auto" had to take that.

    Raises:
        ValueError: "cpu" was asked for and cannot run.
    """
    reason = None if backend == "eager" else kernel.unavailable(h)
    if reason is not None and backend != "auto":
        raise ValueError(f"backend={backend!r} cannot run: {reason}; accepted here: 'auto', 'eager'")
    return (None if backend == "eager" or reason else kernel), reason or ""


library.define(f"implicit_step({SCHEMA}) -> Tensor", tags=(torch.Tag.pt2_compliant_tag,))
library.define(
    f"implicit_step_backward(Tensor grad, {SCHEMA}) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)
STEP = torch.ops.pde_ops.implicit_step.default
BACKWARD = torch.ops.pde_ops.implicit_step_backward.default


def _prepared(given: tuple[Any, ...]) -> tuple[Fields, float, ModuleType | None]:
    fields = Fields(*(None if field is None else field.contiguous() for field in given[:COUNT]))  # type: ignore[arg-type]
    background, backend = given[COUNT:]
    return fields, background, select(backend, fields.h)[0]


def _wide(tensor: Tensor | None, dtype: torch.dtype) -> Any:
    return None if tensor is None else tensor.to(torch.promote_types(dtype, torch.float32))


def _forward(*given):
    fields, background, compiled = _prepared(given)
    if compiled is not None:
        return compiled.forward(fields, background)
    dtype = fields.h.dtype
    wide = Fields(*(_wide(field, dtype) for field in fields))
    return implicit_step_eager(wide, background).to(dtype).contiguous()


def _backward(grad, *given):
    fields, background, compiled = _prepared(given)
    dtype = fields.h.dtype
    if compiled is not None:
        gradients = compiled.backward(grad.contiguous(), fields, background)
    else:
        wide = Fields(*(_wide(field, dtype) for field in fields))
        gradients = implicit_step_adjoint(_wide(grad, dtype), wide, background)
    return tuple(grad.new_empty(0) if g is None else g.to(dtype).contiguous() for g in gradients)


for device in ("CPU", "CUDA"):
    library.impl("implicit_step", _forward, device)
    library.impl("implicit_step_backward", _backward, device)


@torch.library.register_fake("pde_ops::implicit_step", lib=library)
def _fake_forward(h, *rest):
    return torch.empty_like(h, memory_format=torch.contiguous_format)


@torch.library.register_fake("pde_ops::implicit_step_backward", lib=library)
def _fake_backward(grad, h, source, *rest):
    like = [torch.empty_like(h, memory_format=torch.contiguous_format) for _ in range(COUNT - 1)]
    if source is None:
        like[1] = grad.new_empty(0)
    return (*like, torch.empty_like(rest[-3]))


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *given):
        ctx.save_for_backward(*given[:COUNT])
        ctx.settings = given[COUNT:]
        return below_autograd(STEP, _forward, *given)

    @staticmethod
    def backward(ctx, grad):
        given = (grad, *ctx.saved_tensors, *ctx.settings)
        if torch.is_grad_enabled():
            gradients = Gradients(*BACKWARD(*given))
        else:
            gradients = Gradients(*below_autograd(BACKWARD, _backward, *given))
        if ctx.saved_tensors[1] is None:
            gradients = gradients._replace(source=None)
        return (*gradients, *(None for _ in ctx.settings))


class _StepBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *given):
        return below_autograd(BACKWARD, _backward, *given)

    @staticmethod
    def backward(ctx, *_):
        raise NotImplementedError("implicit_step has no second derivative; implicit_step_eager has")


def _autograd(*given):
    return _Step.apply(*given) if records(*given[:COUNT]) else below_autograd(STEP, _forward, *given)


def _backward_autograd(*given):
    if records(*given[: COUNT + 1]):
        return _StepBackward.apply(*given)
    return below_autograd(BACKWARD, _backward, *given)


library.impl("implicit_step", _autograd, "Autograd")
library.impl("implicit_step_backward", _backward_autograd, "Autograd")


@register_flop_formula(torch.ops.pde_ops.implicit_step)
def _flops_forward(h, *rest, out_shape=None, **kwargs):
    return 2 * IMPLICIT_MACS_PER_ELEMENT * numel(h)


@register_flop_formula(torch.ops.pde_ops.implicit_step_backward)
def _flops_backward(grad, h, *rest, out_shape=None, **kwargs):
    """The solves again, their transposes, and the products with what was solved: three times the forward."""
    return 3 * 2 * IMPLICIT_MACS_PER_ELEMENT * numel(h)
