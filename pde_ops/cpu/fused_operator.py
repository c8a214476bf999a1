"""The operator ``pde_ops::global_layer``: convolutions, norms, PDE and output norm in one C++ kernel.

On CPU tensors in float32 or float64. Each channel (in channels_last: a register of channels of one image) passes
through the whole layer on one core; between forward and backward are kept the input, the state before the
output norm and the statistics. Its arguments and their order are those of `pde_ops.cpu.argument`.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from pde_ops.cost import IMPLICIT_MACS_PER_ELEMENT
from pde_ops.cpu import backend
from pde_ops.cpu.argument import (
    COUNT,
    OPTIONAL,
    SCHEMA,
    Gradients,
    PdeLayer,
    Settings,
    Tensors,
    in_struct,
    named,
)
from pde_ops.operator import below_autograd, flops, library, numel, records

CACHE_LINE = 64  # bytes, and the widest register's
LARGEST_CHANNELS_LAST = 56 * 56  # pixels of a feature map

library.define(
    f"global_layer({SCHEMA}, bool keep) -> (Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)
library.define(
    f"global_layer_backward(Tensor grad, Tensor state, {SCHEMA}) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)

FORWARD = torch.ops.pde_ops.global_layer.default
BACKWARD = torch.ops.pde_ops.global_layer_backward.default


def describe(
    x: Tensor, pointers: dict[str, tuple[int, ...]], weight: Tensor, settings, **tensors
) -> PdeLayer:
    """The kernel's argument. pointers: those of each field's or norm's parameters and statistics, by name; ``weight``:
    one whose size and type are those of all."""
    images, channels, rows, columns = x.shape
    return PdeLayer(
        images=images, channels=channels, rows=rows, cols=columns, fields=len(pointers["weight"]),
        kernel=weight.shape[-1], type=backend.TYPES[x.dtype], own=backend.TYPES[weight.dtype], threads=threads(x, settings.steps), x=x.data_ptr(), **in_struct(settings),
        **pointers, **{name: tensor.data_ptr() for name, tensor in tensors.items() if tensor is not None},
    )  # fmt: skip


def threads(x: Tensor, steps: int) -> int:
    """How many threads share the work on ``x``."""
    return min(backend.threads(x.numel() * (steps + 4)), x.shape[1])


def stays_channels_last(x: Tensor, steps: int) -> bool:
    """Whether the kernel in evaluation takes ``x`` with its channels side by side, and gives its output so.

    For ``torch.channels_last`` with whole cache lines of channels (in the type of the arithmetic), the same on every
    processor. Where there are several steps, for feature maps that stay in the cache: planes of a register of
    channels are large.
    """
    return (
        not x.is_contiguous()
        and x.is_contiguous(memory_format=torch.channels_last)
        and x.shape[1] * max(x.element_size(), torch.float32.itemsize) % CACHE_LINE == 0
        and (steps == 1 or x.shape[2] * x.shape[3] <= LARGEST_CHANNELS_LAST)
    )


def evaluate(argument: PdeLayer, channels_last: bool) -> None:
    """Runs the kernel; ``channels_last``: where `stays_channels_last` holds of its input and output."""
    kernels = backend.library()
    (kernels.pde_layer_channels_last if channels_last else kernels.pde_layer)(ctypes.byref(argument))


def _describe(tensors, settings, **others: Tensor | None) -> PdeLayer:
    stacks = tensors._asdict()
    x, time = stacks.pop("x"), stacks.pop("time")
    pointers = {name: rows_of(stack) for name, stack in stacks.items() if stack is not None}
    return describe(x, pointers, tensors.weight, settings, time=time, **others)


def _contiguous(tensor: Any) -> Any:
    """The same, contiguous. Hold it: `_describe` takes addresses alone."""
    return None if tensor is None else tensor.contiguous()


def _empty(tensor: Any) -> Any:
    return None if tensor is None else torch.empty_like(tensor, memory_format=torch.contiguous_format)


def rows_of(stack: Tensor) -> tuple[int, ...]:
    """Where the rows of a contiguous tensor begin."""
    start, apart = stack.data_ptr(), stack.stride(0) * stack.element_size()
    return tuple(start + row * apart for row in range(stack.shape[0]))


def _keeps_channels_last(tensors: Tensors, settings, keep: bool) -> bool:
    plain = tensors.time is None and not settings.training and not keep
    return plain and stays_channels_last(tensors.x, settings.steps)


def _forward(*given):
    (tensors, settings), keep = named(given[:-1]), given[-1]
    channels_last = _keeps_channels_last(tensors, settings, keep)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = tensors.x.contiguous(memory_format=layout)
    tensors = Tensors(x, *map(_contiguous, tensors[1:]))
    if settings.training:
        mean, variance = torch.empty_like(tensors.mean), torch.empty_like(tensors.variance)
        tensors = tensors._replace(mean=mean, variance=variance)
    out = torch.empty_like(x, memory_format=layout)
    state = torch.empty_like(out) if keep else None
    layer = _describe(tensors, settings, state=out if settings.training and not keep else state, out=out)
    evaluate(layer, channels_last)
    statistics = (tensors.mean, tensors.variance) if settings.training else (x.new_empty(0), x.new_empty(0))
    return out, x.new_empty(0) if state is None else state, *statistics


def _backward(grad, state, *given):
    tensors, settings = named(given)
    grad, state, tensors = grad.contiguous(), state.contiguous(), Tensors(*map(_contiguous, tensors))
    gradients = Gradients(*map(_empty, tensors[: len(Gradients._fields)]))
    layer = _describe(
        tensors, settings, state=state, grad_out=grad,
        **{f"grad_{name}": gradient for name, gradient in gradients._asdict().items()},
    )  # fmt: skip
    backend.library().pde_layer_backward(ctypes.byref(layer))
    return tuple(tensors.x.new_empty(0) if gradient is None else gradient for gradient in gradients)


library.impl("global_layer", _forward, "CPU")
library.impl("global_layer_backward", _backward, "CPU")


@torch.library.register_fake("pde_ops::global_layer", lib=library)
def _fake_forward(*given):
    (tensors, settings), keep = named(given[:-1]), given[-1]
    x = tensors.x
    channels_last = _keeps_channels_last(tensors, settings, keep)
    like = torch.empty_like(
        x, memory_format=torch.channels_last if channels_last else torch.contiguous_format
    )
    state = torch.empty_like(like) if keep else x.new_empty(0)
    if settings.training:
        return like, state, torch.empty_like(tensors.mean), torch.empty_like(tensors.variance)
    return like, state, x.new_empty(0), x.new_empty(0)


@torch.library.register_fake("pde_ops::global_layer_backward", lib=library)
def _fake_backward(grad, state, *given):
    tensors, _ = named(given)
    gradients = map(_empty, tensors[: len(Gradients._fields)])
    return tuple(tensors.x.new_empty(0) if gradient is None else gradient for gradient in gradients)


class _GlobalLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *given):
        outputs = below_autograd(FORWARD, _forward, *given)
        _, state, batch_mean, batch_variance = outputs
        ctx.mark_non_differentiable(state, batch_mean, batch_variance)
        ctx.set_materialize_grads(False)
        *learning, mean, variance = given[: len(Tensors._fields)]
        ctx.settings = Settings(*given[len(Tensors._fields) : -1])
        if ctx.settings.training:
            mean, variance = batch_mean, batch_variance
        ctx.save_for_backward(state, *learning, mean, variance)
        return outputs

    @staticmethod
    def backward(ctx, grad, *_):
        if grad is None:
            return (None,) * (COUNT + 1)  # keep is one more
        state, *saved = ctx.saved_tensors
        given = (grad, state, *saved, *ctx.settings)
        gradients = Gradients(
            *(BACKWARD(*given) if torch.is_grad_enabled() else below_autograd(BACKWARD, _backward, *given))
        )
        for name in OPTIONAL:
            if getattr(Tensors(*saved), name) is None:
                gradients = gradients._replace(**{name: None})  # type: ignore[arg-type]
        return (*gradients, *(None,) * (COUNT + 1 - len(gradients)))


class _GlobalLayerBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *given):
        return below_autograd(BACKWARD, _backward, *given)

    @staticmethod
    def backward(ctx, *_):
        raise NotImplementedError("the fused layer has no second derivative; backend='eager' has")


def _forward_autograd(*given):
    if records(*given[: len(Gradients._fields)]):
        return _GlobalLayer.apply(*given)
    return below_autograd(FORWARD, _forward, *given)


def _backward_autograd(grad, state, *given):
    if records(grad, state, *given[: len(Gradients._fields)]):
        return _GlobalLayerBackward.apply(grad, state, *given)
    return below_autograd(BACKWARD, _backward, grad, state, *given)


library.impl("global_layer", _forward_autograd, "Autograd")
library.impl("global_layer_backward", _backward_autograd, "Autograd")


def _flops(given: tuple[Any, ...]) -> int:
    """Of shapes in place of tensors: the PDE, and F convolutions of each element with k x k weights."""
    tensors, settings = named(given)
    fields, *_, rows, columns = tensors.weight
    elements = numel(tensors.x)
    implicit = tensors.time is not None
    steps = 2 * IMPLICIT_MACS_PER_ELEMENT * elements if implicit else flops(elements, settings.steps)
    return steps + 2 * elements * fields * rows * columns


@register_flop_formula(torch.ops.pde_ops.global_layer)
def _flops_forward(*given, out_shape=None, **kwargs):
    return _flops(given[:-1])


@register_flop_formula(torch.ops.pde_ops.global_layer_backward)
def _flops_backward(grad, state, *given, out_shape=None, **kwargs):
    return 3 * _flops(given)
