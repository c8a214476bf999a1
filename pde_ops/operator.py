"""The torch operator ``pde_ops::integrate``: one node for torch.compile, torch.export and FLOP counters.

A velocity or diffusivity is an optional tensor and a number in ``constants`` (x and y velocity, x and y
diffusivity) that stands in for it when it is absent. Users call `pde_ops.integrate`, which checks and
converts.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.utils.flop_counter import register_flop_formula

from pde_ops import backends
from pde_ops.cost import PDE_MACS_PER_ELEMENT_SETUP, PDE_MACS_PER_ELEMENT_STEP
from pde_ops.eager import integrate_eager

FIELDS = (
    "Tensor h, Tensor? source, Tensor? velocity_x, Tensor? velocity_y, Tensor? diffusivity_x, "
    "Tensor? diffusivity_y, Tensor? initial, float[] constants, int steps, float dt, int dx, int dy, "
    "str boundary, str backend"
)

library = torch.library.Library("pde_ops", "DEF")
library.define(f"integrate({FIELDS}) -> Tensor", tags=(torch.Tag.pt2_compliant_tag,))
library.define(
    f"integrate_backward(Tensor grad, {FIELDS}, bool[] needed) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)


INTEGRATE = torch.ops.pde_ops.integrate.default
BACKWARD = torch.ops.pde_ops.integrate_backward.default


def _forward(h, source, vx, vy, dfx, dfy, initial, constants, steps, dt, dx, dy, boundary, backend):
    scheme = backends.Scheme(steps, dt, dx, dy, boundary, tuple(constants))
    fields = backends.Fields(*_contiguous(h, source, vx, vy, dfx, dfy, initial))
    return backends.choose(backend, fields.h).forward(fields, scheme)


def _backward(
    grad, h, source, vx, vy, dfx, dfy, initial, constants, steps, dt, dx, dy, boundary, backend, needed
):
    scheme = backends.Scheme(steps, dt, dx, dy, boundary, tuple(constants))
    fields = backends.Fields(*_contiguous(h, source, vx, vy, dfx, dfy, initial))
    found = backends.choose(backend, fields.h).backward(grad.contiguous(), fields, scheme, tuple(needed))
    return tuple(h.new_empty(0) if gradient is None else gradient for gradient in found)


def _contiguous(*tensors):
    return (None if t is None else t.contiguous() for t in tensors)


for device in ("CPU", "CUDA"):
    library.impl("integrate", _forward, device)
    library.impl("integrate_backward", _backward, device)


@torch.library.register_fake("pde_ops::integrate", lib=library)
def _fake_forward(h, *rest):
    return torch.empty_like(h, memory_format=torch.contiguous_format)


@torch.library.register_fake("pde_ops::integrate_backward", lib=library)
def _fake_backward(grad, h, *rest):
    like = torch.empty_like(h, memory_format=torch.contiguous_format)
    return tuple(torch.empty_like(like) if wanted else h.new_empty(0) for wanted in rest[-1])


def below_autograd(op, kernel, *arguments):
    """Call ``op`` past autograd: to its kernel, to a fake rule or to a tracer.

    Where nobody stands between (an ordinary CPU tensor, no dispatch mode, no functorch transform) ``kernel``,
    the function that the dispatcher would find, is called at once; its way there costs more than a small plane.
    """
    x = arguments[0]
    if (
        type(x) in (Tensor, Parameter)
        and x.device.type == "cpu"
        and not torch._C._len_torch_dispatch_stack()
        and torch._C._functorch.peek_interpreter_stack() is None
    ):
        return kernel(*arguments)
    with torch._C._AutoDispatchBelowAutograd():
        return op(*arguments)


def records(*tensors: Tensor | None) -> bool:
    """Whether autograd has to remember an operation on these tensors."""
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


# autograd.Function at the autograd key costs a third of what torch.library.register_autograd does per call,
# which for small planes is as much as the kernel itself.
class _Integrate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *arguments):
        *fields, settings = arguments
        ctx.save_for_backward(*fields)
        ctx.settings = settings
        return below_autograd(INTEGRATE, _forward, *fields, *settings)

    @staticmethod
    def backward(ctx, grad):
        needed = list(ctx.needs_input_grad[:7])
        arguments = (grad, *ctx.saved_tensors, *ctx.settings, needed)
        found = (
            BACKWARD(*arguments)
            if torch.is_grad_enabled()
            else below_autograd(BACKWARD, _backward, *arguments)
        )
        return (*(g if wanted else None for g, wanted in zip(found, needed, strict=True)), None)


class _IntegrateBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *arguments):
        ctx.save_for_backward(*arguments[:8])
        ctx.settings, ctx.needed = arguments[8:15], arguments[15]
        return below_autograd(BACKWARD, _backward, *arguments)

    @staticmethod
    def backward(ctx, *seconds):
        """Second derivatives, through autograd on the definition (slow, for checks and studies)."""
        grad, *fields = ctx.saved_tensors
        constants, steps, dt, dx, dy, boundary, _ = ctx.settings
        with torch.enable_grad():
            grad = grad.detach().requires_grad_(True)
            fields = [None if t is None else t.detach().requires_grad_(True) for t in fields]
            h, source, *coefficients, initial = fields
            out = integrate_eager(
                h, source, *_or_numbers(coefficients, constants),
                steps=steps, dt=dt, dx=dx, dy=dy, initial=initial, boundary=boundary,
            )  # fmt: skip
            wanted = [i for i, yes in enumerate(ctx.needed) if yes]
            inputs = [fields[i] for i in wanted]
            first = torch.autograd.grad(out, inputs, grad, create_graph=True, allow_unused=True)
            terms = [
                (g * seconds[i]).sum()
                for i, g in zip(wanted, first, strict=True)
                if g is not None and seconds[i] is not None and seconds[i].numel()
            ]
            inputs = [grad, *(t for t in fields if t is not None)]
            scalar = sum(terms)
            if not isinstance(scalar, Tensor) or not scalar.requires_grad:
                return (None,) * 16
            found = iter(torch.autograd.grad(scalar, inputs, allow_unused=True))
        result = [next(found), *(None if t is None else next(found) for t in fields)]
        return (*result, *(None for _ in range(8)))


def _or_numbers(tensors, numbers):
    return [number if t is None else t for t, number in zip(tensors, numbers, strict=True)]


def _integrate_autograd(*arguments):
    if records(*arguments[:7]):
        return _Integrate.apply(*arguments[:7], arguments[7:])
    return below_autograd(INTEGRATE, _forward, *arguments)


def _integrate_backward_autograd(*arguments):
    if records(*arguments[:8]):
        return _IntegrateBackward.apply(*arguments)
    return below_autograd(BACKWARD, _backward, *arguments)


library.impl("integrate", _integrate_autograd, "Autograd")
library.impl("integrate_backward", _integrate_backward_autograd, "Autograd")


STEPS = 7  # where the steps stand among the arguments after h


def flops(numel: int, steps: int) -> int:
    """Floating-point operations of a forward integration: 2 for each multiply-accumulate."""
    return 2 * (PDE_MACS_PER_ELEMENT_STEP * steps + PDE_MACS_PER_ELEMENT_SETUP) * numel


def _numel(shape) -> int:
    return shape[0] * shape[1] * shape[2] * shape[3]


@register_flop_formula(torch.ops.pde_ops.integrate)
def _flops_forward(h, *rest, out_shape=None, **kwargs):
    return flops(_numel(h), rest[STEPS])


@register_flop_formula(torch.ops.pde_ops.integrate_backward)
def _flops_backward(grad, h, *rest, out_shape=None, **kwargs):
    """Recomputed states, transposed steps, products with the states: three times the forward."""
    return 3 * flops(_numel(h), rest[STEPS])
