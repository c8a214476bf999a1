"""The torch operator ``pde_ops::integrate``: one node for torch.compile, torch.export and FLOP counters.

A velocity or diffusivity is an optional tensor and a number in ``constants`` (x and y velocity, x and y
diffusivity) that stands in for it when it is absent. Users call `pde_ops.integrate`, which checks and
converts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_type_hints

import torch
from torch import Tensor
from torch._C._functorch import TransformType
from torch._functorch.pyfunctorch import retrieve_all_functorch_interpreters
from torch.autograd import forward_ad
from torch.nn import Parameter
from torch.utils.flop_counter import register_flop_formula

from pde_ops.backends import choose
from pde_ops.cost import PDE_MACS_PER_ELEMENT_SETUP, PDE_MACS_PER_ELEMENT_STEP
from pde_ops.eager import integrate_eager
from pde_ops.scheme import Fields, Scheme

TENSORS, NUMBERS = len(Fields._fields), len(Scheme._fields)
IN_SCHEMA: dict[Any, str] = {
    Tensor: "Tensor", Tensor | None: "Tensor?", Sequence[float]: "float[]", int: "int", float: "float",
    str: "str",
}  # fmt: skip
# The operator's arguments, in its order: the fields, the scheme, and the backend's name.
KINDS = get_type_hints(Fields) | get_type_hints(Scheme) | {"backend": str}
SCHEMA = ", ".join(f"{IN_SCHEMA[kind]} {name}" for name, kind in KINDS.items())


def named(given: tuple[Any, ...]) -> tuple[Fields, Scheme, str]:
    """The operator's arguments, which come in the schema's order."""
    *numbers, backend = given[TENSORS:]
    return Fields(*given[:TENSORS]), Scheme(*numbers), backend


def _contiguous(fields: Fields) -> Fields:
    return Fields(*(None if tensor is None else tensor.contiguous() for tensor in fields))  # type: ignore[arg-type]


library = torch.library.Library("pde_ops", "DEF")
library.define(f"integrate({SCHEMA}) -> Tensor", tags=(torch.Tag.pt2_compliant_tag,))
library.define(
    f"integrate_backward(Tensor grad, {SCHEMA}, bool[] needed) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)

INTEGRATE = torch.ops.pde_ops.integrate.default
BACKWARD = torch.ops.pde_ops.integrate_backward.default


def _forward(*given):
    fields, scheme, backend = named(given)
    fields = _contiguous(fields)
    return choose(backend, fields.h).forward(fields, scheme)


def _backward(grad, *given):
    (fields, scheme, backend), needed = named(given[:-1]), given[-1]
    fields = _contiguous(fields)
    gradients = choose(backend, fields.h).backward(grad.contiguous(), fields, scheme, tuple(needed))
    return tuple(fields.h.new_empty(0) if gradient is None else gradient for gradient in gradients)


for device in ("CPU", "CUDA"):
    library.impl("integrate", _forward, device)
    library.impl("integrate_backward", _backward, device)


@torch.library.register_fake("pde_ops::integrate", lib=library)
def _fake_forward(h, *rest):
    return torch.empty_like(h, memory_format=torch.contiguous_format)


@torch.library.register_fake("pde_ops::integrate_backward", lib=library)
def _fake_backward(grad, h, *rest):
    *_, needed = rest
    like = torch.empty_like(h, memory_format=torch.contiguous_format)
    return tuple(torch.empty_like(like) if wanted else h.new_empty(0) for wanted in needed)


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


def by_definition_alone() -> bool:
    """Whether derivatives are asked for that the operators' autograd functions have not: in forward mode, or by
    torch.func's grad, jvp and what is made of them. The eager definitions have them all."""
    if torch.compiler.is_compiling():
        return False
    if forward_ad._current_level >= 0:
        return True
    if torch._C._functorch.peek_interpreter_stack() is None:
        return False
    kinds = (TransformType.Grad, TransformType.Jvp)
    return any(each.key() in kinds for each in retrieve_all_functorch_interpreters())


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
        needed = list(ctx.needs_input_grad[:TENSORS])
        given = (grad, *ctx.saved_tensors, *ctx.settings, needed)
        gradients = (
            BACKWARD(*given) if torch.is_grad_enabled() else below_autograd(BACKWARD, _backward, *given)
        )
        return (*(g if wanted else None for g, wanted in zip(gradients, needed, strict=True)), None)


class _IntegrateBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, grad, *given):
        _, ctx.scheme, _ = named(given[:-1])
        ctx.needed = given[-1]
        ctx.save_for_backward(grad, *given[:TENSORS])
        return below_autograd(BACKWARD, _backward, grad, *given)

    @staticmethod
    def backward(ctx, *seconds):
        """Second derivatives, through autograd on the definition (slow, for checks and studies)."""
        grad, *fields = ctx.saved_tensors
        scheme = ctx.scheme
        no_gradients = (None,) * (NUMBERS + 2)  # of the numbers, the backend and what is needed
        with torch.enable_grad():
            grad = grad.detach().requires_grad_(True)
            fields = [None if t is None else t.detach().requires_grad_(True) for t in fields]
            h, source, *coefficients, initial = fields
            out = integrate_eager(
                h, source, *_or_numbers(coefficients, scheme.constants),
                steps=scheme.steps, dt=scheme.dt, dx=scheme.dx, dy=scheme.dy,
                initial=initial, boundary=scheme.boundary,
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
                return (None, *(None for _ in fields), *no_gradients)
            gradients = iter(torch.autograd.grad(scalar, inputs, allow_unused=True))
        result = [next(gradients), *(None if t is None else next(gradients) for t in fields)]
        return (*result, *no_gradients)


def _or_numbers(tensors, numbers):
    return [number if t is None else t for t, number in zip(tensors, numbers, strict=True)]


def _integrate_autograd(*arguments):
    if records(*arguments[:TENSORS]):
        return _Integrate.apply(*arguments[:TENSORS], arguments[TENSORS:])
    return below_autograd(INTEGRATE, _forward, *arguments)


def _integrate_backward_autograd(*arguments):
    if records(*arguments[: 1 + TENSORS]):
        return _IntegrateBackward.apply(*arguments)
    return below_autograd(BACKWARD, _backward, *arguments)


library.impl("integrate", _integrate_autograd, "Autograd")
library.impl("integrate_backward", _integrate_backward_autograd, "Autograd")


def flops(numel: int, steps: int) -> int:
    """Floating-point operations of a forward integration: 2 for each multiply-accumulate."""
    return 2 * (PDE_MACS_PER_ELEMENT_STEP * steps + PDE_MACS_PER_ELEMENT_SETUP) * numel


def numel(shape) -> int:
    """Elements of a tensor of that shape, symbolic ones too."""
    return shape[0] * shape[1] * shape[2] * shape[3]


@register_flop_formula(torch.ops.pde_ops.integrate)
def _flops_forward(*given, out_shape=None, **kwargs):
    fields, scheme, _ = named(given)
    return flops(numel(fields.h), scheme.steps)


@register_flop_formula(torch.ops.pde_ops.integrate_backward)
def _flops_backward(grad, *given, out_shape=None, **kwargs):
    """Recomputed states, transposed steps, products with the states: three times the forward."""
    fields, scheme, _ = named(given[:-1])
    return 3 * flops(numel(fields.h), scheme.steps)
