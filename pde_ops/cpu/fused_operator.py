"""The operator ``pde_ops::global_layer``: convolutions, norms, PDE and output norm in one C++ kernel.

On CPU tensors in float32 or float64. Each channel (in channels_last: a register of channels of one image) passes
through the whole layer on one core; between forward and backward are kept the input, the state before the
output norm and the statistics.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from pde_ops.cpu import backend as cpu_backend
from pde_ops.operator import below_autograd, flops, library, records

ACTIVATIONS = ("relu", "relu6", "hard-swish", "identity")  # in the kernel's order
CACHE_LINE = 64  # bytes, and the widest register's
LARGEST_LAST = 56 * 56  # pixels of a feature map

ARGUMENTS = (
    "Tensor x, Tensor weight, Tensor? bias, Tensor gain, Tensor shift, Tensor mean, Tensor variance, "
    "int[] learned, float[] constants, float[] eps, float multiplier, bool training, int steps, float dt, "
    "int dx, int dy, str boundary, bool use_source, bool residual, str activation"
)
library.define(
    f"global_layer({ARGUMENTS}, bool keep) -> (Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)
library.define(
    f"global_layer_backward(Tensor grad, Tensor state, {ARGUMENTS}) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)

FORWARD = torch.ops.pde_ops.global_layer.default
BACKWARD = torch.ops.pde_ops.global_layer_backward.default


def _members() -> list[Any]:
    sizes = ("rows", "cols", "steps", "dx", "dy", "periodic", "threads", "type")
    switches = ("fields", "kernel", "training", "use_source", "residual", "activation")
    parameters = {"weight": 4, "bias": 4, "gain": 5, "shift": 5, "mean": 5, "variance": 5}
    gradients = ("grad_x", "grad_weight", "grad_bias", "grad_gain", "grad_shift")
    return [
        ("images", ctypes.c_long),
        ("channels", ctypes.c_long),
        *((name, ctypes.c_int) for name in sizes),
        ("learned", ctypes.c_int * 4),
        *((name, ctypes.c_int) for name in switches),
        ("dt", ctypes.c_double),
        ("constants", ctypes.c_double * 4),
        ("eps", ctypes.c_double * 2),
        ("multiplier", ctypes.c_double),
        ("x", ctypes.c_void_p),
        *((name, ctypes.c_void_p * count) for name, count in parameters.items()),
        *((name, ctypes.c_void_p) for name in ("state", "out", "grad_out", *gradients)),
    ]


class Argument(ctypes.Structure):
    """`PdeLayer` of csrc/argument.h."""

    _fields_ = _members()


def describe(
    x, pointers, kernel, learned, constants, eps, multiplier, training, steps, dt,
    dx, dy, boundary, use_source, residual, activation, **tensors,
) -> Argument:  # fmt: skip
    """The kernel's argument. pointers: those of each field's or norm's parameters and statistics, by name."""
    images, channels, rows, columns = x.shape
    return Argument(
        images=images, channels=channels, rows=rows, cols=columns, steps=steps, dx=dx, dy=dy,
        periodic=boundary == "periodic", threads=threads(x, steps), type=cpu_backend.TYPES[x.dtype],
        learned=tuple(learned), fields=len(pointers["weight"]), kernel=kernel, training=training,
        use_source=use_source, residual=residual, activation=ACTIVATIONS.index(activation), dt=dt,
        constants=tuple(constants), eps=tuple(eps), multiplier=multiplier, x=x.data_ptr(), **pointers,
        **{name: tensor.data_ptr() for name, tensor in tensors.items() if tensor is not None},
    )  # fmt: skip


def threads(x: Tensor, steps: int) -> int:
    """How many threads share the work on ``x``."""
    return min(cpu_backend.threads(x.numel() * (steps + 4)), x.shape[1])


def stays_last(x: Tensor, steps: int) -> bool:
    """Whether the kernel in evaluation takes ``x`` with its channels side by side, and gives its output so.

    For ``torch.channels_last`` with whole cache lines of channels, the same on every processor. Where there are
    several steps, for feature maps that stay in the cache: planes of a register of channels are large.
    """
    return (
        not x.is_contiguous()
        and x.is_contiguous(memory_format=torch.channels_last)
        and x.shape[1] * x.element_size() % CACHE_LINE == 0
        and (steps == 1 or x.shape[2] * x.shape[3] <= LARGEST_LAST)
    )


def evaluate(argument: Argument, last: bool) -> None:
    """Runs the kernel; ``last``: where `stays_last` holds of its input and output."""
    kernels = cpu_backend.library()
    (kernels.pde_layer_last if last else kernels.pde_layer)(ctypes.byref(argument))


def _describe(x, weight, bias, gain, shift, mean, variance, *settings, **tensors) -> Argument:
    stacks = {"weight": weight, "gain": gain, "shift": shift, "mean": mean, "variance": variance}
    if bias is not None:
        stacks["bias"] = bias
    pointers = {name: _rows(stack) for name, stack in stacks.items()}
    return describe(x, pointers, weight.shape[-1], *settings, **tensors)


def _contiguous(*tensors):
    return tuple(None if tensor is None else tensor.contiguous() for tensor in tensors)


def _rows(stack: Tensor) -> tuple[int, ...]:
    """Where the rows of a contiguous tensor begin."""
    start, apart = stack.data_ptr(), stack.stride(0) * stack.element_size()
    return tuple(start + row * apart for row in range(stack.shape[0]))


def _forward(x, weight, bias, gain, shift, mean, variance, *settings):
    keep, training, settings = settings[-1], settings[4], settings[:-1]
    last = not training and not keep and stays_last(x, settings[5])
    layout = torch.channels_last if last else torch.contiguous_format
    x = x.contiguous(memory_format=layout)
    # Held here, not made for `_describe`: it takes their addresses alone.
    weight, bias, gain, shift, mean, variance = _contiguous(weight, bias, gain, shift, mean, variance)
    if training:
        mean, variance = torch.empty_like(mean), torch.empty_like(variance)
    out = torch.empty_like(x, memory_format=layout)
    state = torch.empty_like(out) if keep else None
    layer = _describe(
        x, weight, bias, gain, shift, mean, variance, *settings,
        state=out if training and not keep else state, out=out,
    )  # fmt: skip
    evaluate(layer, last)
    nothing = x.new_empty(0)
    statistics = (mean, variance) if training else (nothing, x.new_empty(0))
    return out, x.new_empty(0) if state is None else state, *statistics


def _backward(grad, state, x, weight, bias, gain, shift, mean, variance, *settings):
    x, grad, state, weight, bias, gain, shift, mean, variance = _contiguous(
        x, grad, state, weight, bias, gain, shift, mean, variance
    )
    found = {
        "grad_x": torch.empty_like(x),
        "grad_weight": torch.empty_like(weight, memory_format=torch.contiguous_format),
        "grad_bias": None if bias is None else torch.empty_like(bias),
        "grad_gain": torch.empty_like(gain),
        "grad_shift": torch.empty_like(shift),
    }
    layer = _describe(
        x, weight, bias, gain, shift, mean, variance, *settings,
        state=state, grad_out=grad, **found,
    )  # fmt: skip
    cpu_backend.library().pde_layer_backward(ctypes.byref(layer))
    return tuple(x.new_empty(0) if gradient is None else gradient for gradient in found.values())


library.impl("global_layer", _forward, "CPU")
library.impl("global_layer_backward", _backward, "CPU")


@torch.library.register_fake("pde_ops::global_layer", lib=library)
def _fake_forward(x, weight, bias, gain, shift, mean, variance, *settings):
    training, keep = settings[4], settings[-1]
    last = not training and not keep and stays_last(x, settings[5])
    like = torch.empty_like(x, memory_format=torch.channels_last if last else torch.contiguous_format)
    state = torch.empty_like(like) if keep else x.new_empty(0)
    if training:
        return like, state, torch.empty_like(mean), torch.empty_like(variance)
    return like, state, x.new_empty(0), x.new_empty(0)


@torch.library.register_fake("pde_ops::global_layer_backward", lib=library)
def _fake_backward(grad, state, x, weight, bias, gain, shift, *rest):
    contiguous = torch.contiguous_format
    return (
        torch.empty_like(x, memory_format=contiguous),
        torch.empty_like(weight, memory_format=contiguous),
        x.new_empty(0) if bias is None else torch.empty_like(bias),
        torch.empty_like(gain),
        torch.empty_like(shift),
    )


class _GlobalLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *arguments):
        x, weight, bias, gain, shift, mean, variance, *settings, _keep = arguments
        output = below_autograd(FORWARD, _forward, *arguments)
        _, state, batch_mean, batch_variance = output
        ctx.mark_non_differentiable(state, batch_mean, batch_variance)
        ctx.set_materialize_grads(False)
        if settings[4]:
            mean, variance = batch_mean, batch_variance
        ctx.save_for_backward(state, x, weight, bias, gain, shift, mean, variance)
        ctx.settings = settings
        return output

    @staticmethod
    def backward(ctx, grad, *_):
        if grad is None:
            return (None,) * 21
        saved = ctx.saved_tensors
        arguments = (grad, *saved, *ctx.settings)
        found = (
            BACKWARD(*arguments)
            if torch.is_grad_enabled()
            else below_autograd(BACKWARD, _backward, *arguments)
        )
        grad_x, grad_weight, grad_bias, grad_gain, grad_shift = found
        grad_bias = None if saved[3] is None else grad_bias
        return (grad_x, grad_weight, grad_bias, grad_gain, grad_shift, *(None,) * 16)


class _GlobalLayerBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *arguments):
        return below_autograd(BACKWARD, _backward, *arguments)

    @staticmethod
    def backward(ctx, *_):
        raise NotImplementedError("the fused layer has no second derivative; backend='eager' has")


def _forward_autograd(*arguments):
    if records(*arguments[:5]):
        return _GlobalLayer.apply(*arguments)
    return below_autograd(FORWARD, _forward, *arguments)


def _backward_autograd(*arguments):
    if records(*arguments[:7]):
        return _GlobalLayerBackward.apply(*arguments)
    return below_autograd(BACKWARD, _backward, *arguments)


library.impl("global_layer", _forward_autograd, "Autograd")
library.impl("global_layer_backward", _backward_autograd, "Autograd")


def _flops(x, weight, steps) -> int:
    numel = x[0] * x[1] * x[2] * x[3]
    return flops(numel, steps) + 2 * numel * weight[0] * weight[-1] * weight[-2]


@register_flop_formula(torch.ops.pde_ops.global_layer)
def _flops_forward(x, weight, *rest, out_shape=None, **kwargs):
    return _flops(x, weight, rest[10])


@register_flop_formula(torch.ops.pde_ops.global_layer_backward)
def _flops_backward(grad, state, x, weight, *rest, out_shape=None, **kwargs):
    return 3 * _flops(x, weight, rest[10])
