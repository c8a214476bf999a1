"""A `GlobalLayer` through the fused kernel, ``pde_ops::global_layer``.

It computes what the layer composes, where coefficients come from depthwise convolutions or are numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from pde_ops.blocks import Convolution
from pde_ops.coefficients import CoefficientNorm
from pde_ops.cpu import backend as cpu_backend
from pde_ops.cpu.fused_operator import ACTIVATIONS, FORWARD

if TYPE_CHECKING:
    from pde_ops.layer import GlobalLayer

FIELDS = ("velocity_x", "velocity_y", "diffusivity_x", "diffusivity_y")


def applies(layer: GlobalLayer, x: Tensor) -> bool:
    """Whether the kernel can stand for ``layer`` from the state ``x`` with ``x`` as source."""
    if layer.backend not in ("auto", "cpu") or x.device.type != "cpu" or x.dim() != 4 or not x.numel():
        return False
    if layer.product or layer.activation not in ACTIVATIONS:
        return False
    if x.dtype not in (torch.float32, torch.float64) or torch.is_autocast_enabled("cpu"):
        return False
    if _exporting() or x.shape[1] != layer.channels:
        return False
    parts = [part for part in _parts(layer) if part is not None]
    out_norm: Any = layer._modules["out_norm"]
    if not parts or not all(_plain(part, parts[0], out_norm, x) for part in parts):
        return False
    if layer.training and x.numel() // layer.channels == 1:
        return False
    if _observed(out_norm) or type(out_norm) is not nn.BatchNorm2d or not _of_type(out_norm, x.dtype):
        return False
    return cpu_backend.built()


def _exporting() -> bool:
    """``torch.compiler.is_exporting()``, which dynamo takes for true in every compilation (torch 2.11)."""
    return torch.compiler.is_exporting()


# What torch.compiler.assume_constant_result sets: dynamo calls the function instead of looking into it.
_exporting._dynamo_marked_constant = True  # type: ignore[attr-defined]


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
    if not _of_type(norm, x.dtype):
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


def _of_type(norm: Any, dtype: torch.dtype) -> bool:
    """Whether a norm has parameters and running statistics, all of ``dtype``."""
    tensors = (*norm._parameters.values(), norm._buffers["running_mean"], norm._buffers["running_var"])
    return all(tensor is not None and tensor.dtype == dtype for tensor in tensors)


def _observed(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)


def forward(layer: GlobalLayer, x: Tensor) -> Tensor:
    """The layer's output through the kernel; updates running statistics as the norms would."""
    convolutions, norms = parameters(layer)
    weight = torch.stack([own["weight"] for own in convolutions])
    gain = torch.stack([norm._parameters["weight"] for norm in norms])
    shift = torch.stack([norm._parameters["bias"] for norm in norms])
    biased = convolutions[0]["bias"] is not None
    bias = torch.stack([own["bias"] for own in convolutions]) if biased else None
    learning = [t is not None and t.requires_grad for t in (x, weight, bias, gain, shift)]
    out, _, mean, variance = FORWARD(
        x,
        weight,
        bias,
        gain,
        shift,
        torch.stack([norm._buffers["running_mean"] for norm in norms]),
        torch.stack([norm._buffers["running_var"] for norm in norms]),
        *settings(layer, norms),
        torch.is_grad_enabled() and any(learning),
    )
    if norms[-1].training:
        _update(norms, mean, variance, x.numel() // layer.channels)
    return out


def parameters(layer: GlobalLayer) -> tuple[list[dict[str, Any]], list[Any]]:
    """Those of the learned fields' convolutions, and their norms, the output's last."""
    present = [part for part in _parts(layer) if part is not None]
    norms = [*(part.norm for part in present), layer._modules["out_norm"]]
    return [part.convolution._parameters for part in present], norms


def settings(layer: GlobalLayer, norms: list[Any]) -> tuple:
    """What the operator takes besides tensors."""
    rows = iter(range(len(norms) - 1))
    learned = [-1 if layer._modules.get(name) is None else next(rows) for name in FIELDS]
    velocity, diffusivity = layer.constant_velocity or 0.0, layer.constant_diffusivity or 0.0
    return (
        learned, [velocity, velocity, diffusivity, diffusivity], [norms[0].eps, norms[-1].eps],
        norms[0].multiplier, norms[-1].training, layer.steps, layer.dt, layer.dx, layer.dy, layer.boundary,
        layer.use_source, layer.residual, layer.activation,
    )  # fmt: skip


@torch.no_grad()
def _update(norms: list, mean: Tensor, variance: Tensor, count: int) -> None:
    momentum = norms[0].momentum or 0.0
    unbiased = variance * (count / (count - 1))
    torch._foreach_lerp_([norm.running_mean for norm in norms], list(mean.unbind(0)), momentum)
    torch._foreach_lerp_([norm.running_var for norm in norms], list(unbiased.unbind(0)), momentum)
    torch._foreach_add_([norm.num_batches_tracked for norm in norms], 1)
