"""The operator ``pde_ops::global_layer``: convolutions, norms, PDE and output norm in one C++ kernel.

It computes what `GlobalLayer` composes, for layers whose coefficients come from depthwise convolutions or
are numbers, on CPU tensors in float32 or float64. Each channel passes through the whole layer on one core;
between forward and backward are kept the input, the state before the output norm and the statistics.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import register_flop_formula

from pde_ops import cpu_backend
from pde_ops.blocks import Convolution
from pde_ops.coefficients import CoefficientNorm
from pde_ops.operator import below_autograd, flops, library, records

if TYPE_CHECKING:
    from pde_ops.layer import GlobalLayer

ACTIVATIONS = ("relu", "relu6", "hard-swish", "identity")  # in the kernel's order
FIELDS = ("velocity_x", "velocity_y", "diffusivity_x", "diffusivity_y")

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
    tensors = ("x", "weight", "bias", "gain", "shift", "mean", "variance", "state", "out", "grad_out")
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
        *((name, ctypes.c_void_p) for name in (*tensors, *gradients)),
    ]


class _Layer(ctypes.Structure):
    """`PdeLayer` of csrc/layer.cpp."""

    _fields_ = _members()


def _describe(
    x, weight, bias, gain, shift, mean, variance, learned, constants, eps, multiplier, training, steps, dt,
    dx, dy, boundary, use_source, residual, activation, **more,
) -> _Layer:  # fmt: skip
    tensors = {
        "x": x, "weight": weight, "bias": bias, "gain": gain, "shift": shift, "mean": mean,
        "variance": variance, **more,
    }  # fmt: skip
    images, channels, rows, columns = x.shape
    fields, kernel = weight.shape[0], weight.shape[-1]
    work = x.numel() * (steps + 4)
    return _Layer(
        images=images, channels=channels, rows=rows, cols=columns, steps=steps, dx=dx, dy=dy,
        periodic=boundary == "periodic", threads=min(cpu_backend.threads(work), channels),
        type=cpu_backend.TYPES[x.dtype], learned=(ctypes.c_int * 4)(*learned), fields=fields, kernel=kernel,
        training=training, use_source=use_source, residual=residual,
        activation=ACTIVATIONS.index(activation), dt=dt, constants=(ctypes.c_double * 4)(*constants),
        eps=(ctypes.c_double * 2)(*eps), multiplier=multiplier,
        **{name: tensor.data_ptr() for name, tensor in tensors.items() if tensor is not None},
    )  # fmt: skip


def _forward(x, weight, bias, gain, shift, mean, variance, *settings):
    keep, training, settings = settings[-1], settings[4], settings[:-1]
    x = x.contiguous()
    if training:
        mean, variance = torch.empty_like(mean), torch.empty_like(variance)
    out = torch.empty_like(x)
    state = torch.empty_like(x) if keep else None
    layer = _describe(
        x, weight.contiguous(), bias, gain, shift, mean, variance, *settings,
        state=out if training and not keep else state, out=out,
    )  # fmt: skip
    cpu_backend.library().pde_layer(ctypes.byref(layer))
    nothing = x.new_empty(0)
    statistics = (mean, variance) if training else (nothing, x.new_empty(0))
    return out, x.new_empty(0) if state is None else state, *statistics


def _backward(grad, state, x, weight, bias, gain, shift, mean, variance, *settings):
    x, grad = x.contiguous(), grad.contiguous()
    found = {
        "grad_x": torch.empty_like(x),
        "grad_weight": torch.empty_like(weight, memory_format=torch.contiguous_format),
        "grad_bias": None if bias is None else torch.empty_like(bias),
        "grad_gain": torch.empty_like(gain),
        "grad_shift": torch.empty_like(shift),
    }
    layer = _describe(
        x, weight.contiguous(), bias, gain, shift, mean, variance, *settings,
        state=state, grad_out=grad, **found,
    )  # fmt: skip
    cpu_backend.library().pde_layer_backward(ctypes.byref(layer))
    return tuple(x.new_empty(0) if gradient is None else gradient for gradient in found.values())


library.impl("global_layer", _forward, "CPU")
library.impl("global_layer_backward", _backward, "CPU")


@torch.library.register_fake("pde_ops::global_layer", lib=library)
def _fake_forward(x, weight, bias, gain, shift, mean, variance, *settings):
    like = torch.empty_like(x, memory_format=torch.contiguous_format)
    training, keep = settings[4], settings[-1]
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


def applies(layer: GlobalLayer, x: Tensor) -> bool:
    """Whether the kernel can stand for ``layer`` from the state ``x`` with ``x`` as source."""
    if layer.backend not in ("auto", "cpu") or x.device.type != "cpu" or x.dim() != 4 or not x.numel():
        return False
    if layer.product or layer.activation not in ACTIVATIONS:
        return False
    if x.dtype not in (torch.float32, torch.float64) or torch.is_autocast_enabled("cpu"):
        return False
    if torch.compiler.is_exporting() or x.shape[1] != layer.channels:
        return False
    parts = [part for part in _parts(layer) if part is not None]
    out_norm: Any = layer._modules["out_norm"]
    if not parts or not all(_plain(part, parts[0], out_norm, x) for part in parts):
        return False
    if layer.training and x.numel() // layer.channels == 1:
        return False
    return not _observed(out_norm) and type(out_norm) is nn.BatchNorm2d and cpu_backend.built()


class _Part(NamedTuple):
    """What makes a coefficient."""

    coefficient: Any
    convolution: Any
    norm: Any


def _parts(layer: GlobalLayer) -> list[_Part | None]:
    """What makes each of the four coefficients; None for one that is a number.

    Read from the modules' dictionaries: through attributes, each of some 90 reads of a call costs half a
    microsecond, together a fifth of the layer's time on a small feature map.
    """
    coefficients = map(layer._modules.get, FIELDS)
    return [
        None if c is None else _Part(c, c._modules["transform"], c._modules["norm"]) for c in coefficients
    ]


def _plain(part: _Part, first: _Part, out: Any, x: Tensor) -> bool:
    """Whether a coefficient is of a depthwise convolution and a norm like the first's, unobserved by hooks."""
    convolution, norm = part.convolution, part.norm
    own: Any = convolution._parameters
    if type(convolution) is not Convolution or type(norm) is not CoefficientNorm:
        return False
    if convolution.groups != norm.num_features or own["weight"].dtype != x.dtype:
        return False
    if any(map(_observed, part)):
        return False
    return (
        convolution.kernel_size == first.convolution.kernel_size
        and (own["bias"] is None) == (first.convolution._parameters["bias"] is None)
        and (norm.eps, norm.multiplier, norm.momentum)
        == (first.norm.eps, first.norm.multiplier, out.momentum)
        and norm.momentum is not None
        and norm.training == out.training
    )


def _observed(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)


def forward(layer: GlobalLayer, x: Tensor) -> Tensor:
    """The layer's output through the kernel; updates running statistics as the norms would."""
    parts = _parts(layer)
    present = [part for part in parts if part is not None]
    rows = iter(range(len(present)))
    learned = [-1 if part is None else next(rows) for part in parts]
    velocity, diffusivity = layer.constant_velocity or 0.0, layer.constant_diffusivity or 0.0
    out_norm: Any = layer._modules["out_norm"]
    convolutions = [part.convolution._parameters for part in present]
    norms = [*(part.norm for part in present), out_norm]
    weight = torch.stack([own["weight"] for own in convolutions])
    gain = torch.stack([norm._parameters["weight"] for norm in norms])
    shift = torch.stack([norm._parameters["bias"] for norm in norms])
    biased = convolutions[0]["bias"] is not None
    training = out_norm.training
    out, _, mean, variance = FORWARD(
        x,
        weight,
        torch.stack([own["bias"] for own in convolutions]) if biased else None,
        gain,
        shift,
        torch.stack([norm._buffers["running_mean"] for norm in norms]),
        torch.stack([norm._buffers["running_var"] for norm in norms]),
        learned,
        [velocity, velocity, diffusivity, diffusivity],
        [norms[0].eps, out_norm.eps],
        norms[0].multiplier,
        training,
        layer.steps,
        layer.dt,
        layer.dx,
        layer.dy,
        layer.boundary,
        layer.use_source,
        layer.residual,
        layer.activation,
        torch.is_grad_enabled() and any(t.requires_grad for t in (x, weight, gain, shift)),
    )
    if training:
        _update(norms, mean, variance, x.numel() // layer.channels)
    return out


@torch.no_grad()
def _update(norms: list, mean: Tensor, variance: Tensor, count: int) -> None:
    momentum = norms[0].momentum or 0.0
    unbiased = variance * (count / (count - 1))
    torch._foreach_lerp_([norm.running_mean for norm in norms], list(mean.unbind(0)), momentum)
    torch._foreach_lerp_([norm.running_var for norm in norms], list(unbiased.unbind(0)), momentum)
    torch._foreach_add_([norm.num_batches_tracked for norm in norms], 1)
