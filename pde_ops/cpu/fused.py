"""A `GlobalLayer` through the fused kernel, ``pde_ops::global_layer``.

It computes what the layer composes, where coefficients come from depthwise convolutions or are numbers. No
coefficient, convolution or norm is called then: `unavailable` therefore refuses where somebody watches one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pde_ops.blocks import Convolution
from pde_ops.coefficients import CoefficientNorm, move_statistics
from pde_ops.cpu import backend
from pde_ops.cpu.argument import Settings
from pde_ops.cpu.fused_operator import FORWARD
from pde_ops.cpu.rounding import Narrow, Widen, lies_rounded
from pde_ops.operator import by_definition_alone
from pde_ops.options import Options

# By the input's type, which parameters may be of. Of bfloat16 the arithmetic is in float32.
PARAMETERS = {
    torch.float32: (torch.float32,),
    torch.float64: (torch.float64,),
    torch.bfloat16: (torch.float32, torch.bfloat16),
}
FIELDS = ("velocity_x", "velocity_y", "diffusivity_x", "diffusivity_y")


class Layer(Protocol):
    """What is read of a `GlobalLayer`: its options and its modules by name, `FIELDS` and "out_norm"."""

    options: Options
    training: bool
    _modules: dict[str, nn.Module | None]


def unavailable(layer: Layer, x: Tensor) -> str | None:
    """Why the kernel cannot stand for ``layer`` from the state ``x`` with ``x`` as source; None where it can."""
    options = layer.options
    if options.unfused is not None:
        return options.unfused
    if x.device.type != "cpu" and not (_kept_whole and x.is_meta):
        return "the fused kernel is for the CPU"
    if x.dtype not in PARAMETERS:
        return "the fused kernel takes float32, float64 and bfloat16 alone"
    if x.dim() != 4 or not x.numel() or x.shape[1] != options.channels:
        return "the input is empty or has other channels"
    if _exporting() and not _kept_whole:
        return "the layer is being exported"
    if layer.training and x.numel() // options.channels == 1:
        return "a channel has one value alone"
    if by_definition_alone():
        return "the fused kernel has no derivatives in forward mode, nor those of torch.func"
    reason = _of_modules(layer, x.dtype)
    if reason is not None:
        return reason
    return None if backend.built() else "the C++ kernels are not built"


_kept_whole = False


@contextlib.contextmanager
def kept_whole() -> Iterator[None]:
    """While it lasts layers that are exported stay one operator, for programs that the kernels travel with."""
    global _kept_whole
    before, _kept_whole = _kept_whole, True
    try:
        yield
    finally:
        _kept_whole = before


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


def _parts(layer: Layer) -> list[_Part | None]:
    """What makes each of the four coefficients; None for one that is a number.

    Read from the modules' dictionaries: through attributes, each of some 90 reads of a call costs half a
    microsecond, together a fifth of the layer's time on a small feature map.
    """
    coefficients = map(layer._modules.get, FIELDS)
    return [
        None if c is None else _Part(c, c._modules["transform"], c._modules["norm"]) for c in coefficients
    ]


def _of_modules(layer: Layer, dtype: torch.dtype) -> str | None:
    """Why the kernel cannot stand for the layer's modules as they are now."""
    parts = _parts(layer)
    first = next((part for part in parts if part is not None), None)
    if first is None:
        return "no coefficient is learned"
    out: Any = layer._modules["out_norm"]
    if _observed(out):
        return "a hook watches out_norm"
    own = first.convolution._parameters.get("weight")
    if own is not None and own.dtype in PARAMETERS[dtype]:
        dtype = own.dtype
    if type(out) is not nn.BatchNorm2d or not _of_type(out, dtype):
        return "out_norm is not a batch norm of the input's type with running statistics"
    for name, part in zip(FIELDS, parts, strict=True):
        if part is not None:
            if any(map(_observed, part)):
                return f"a hook watches {name}"
            if not _plain(part, first, out, dtype):
                return f"{name} is not made as the first coefficient, by a depthwise convolution and its norm"
    return None


def _plain(part: _Part, first: _Part, out: Any, dtype: torch.dtype) -> bool:
    """Whether a coefficient is of a depthwise convolution and a norm like the first's."""
    convolution, norm = part.convolution, part.norm
    own: Any = convolution._parameters
    if type(convolution) is not Convolution or type(norm) is not CoefficientNorm:
        return False
    if convolution.groups != norm.num_features or own["weight"].dtype != dtype:
        return False
    if not _of_type(norm, dtype):
        return False
    return (
        convolution.kernel_size == first.convolution.kernel_size
        and (own["bias"] is None) == (first.convolution._parameters["bias"] is None)
        and (norm.eps, norm.multiplier, norm.momentum)
        == (first.norm.eps, first.norm.multiplier, out.momentum)
        and norm.training == out.training
    )


def _of_type(norm: Any, dtype: torch.dtype) -> bool:
    """Whether a norm has parameters and running statistics, all of ``dtype``."""
    tensors = (*norm._parameters.values(), norm._buffers["running_mean"], norm._buffers["running_var"])
    return all(tensor is not None and tensor.dtype == dtype for tensor in tensors)


def _observed(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)


def forward(layer: Layer, x: Tensor, time: Tensor | None = None, background: float = 0.0) -> Tensor:
    """The layer's output through the kernel; moves running statistics as the norms would.

    With ``time`` ``(C,)``, an implicit step of that length and ``background`` takes the place of the explicit ones.
    """
    convolutions, norms = parameters(layer)
    narrow, wide = x.dtype, torch.float32 if x.dtype is torch.bfloat16 else x.dtype

    def stacked(tensors: Iterable[Tensor]) -> Tensor:
        return torch.stack(list(tensors)).to(wide)

    weight = stacked(own["weight"] for own in convolutions)
    gain = stacked(norm._parameters["weight"] for norm in norms)
    shift = stacked(norm._parameters["bias"] for norm in norms)
    biased = convolutions[0]["bias"] is not None
    bias = stacked(own["bias"] for own in convolutions) if biased else None
    narrowing = lies_rounded(x)
    x = Widen.apply(x) if narrowing else x.to(wide)
    learning = [t is not None and t.requires_grad for t in (x, weight, bias, time, gain, shift)]
    out, _, mean, variance = FORWARD(
        x,
        weight,
        bias,
        None if time is None else time.to(wide),
        gain,
        shift,
        stacked(norm._buffers["running_mean"] for norm in norms),
        stacked(norm._buffers["running_var"] for norm in norms),
        *settings(layer, norms, background),
        torch.is_grad_enabled() and any(learning),
    )
    if norms[-1].training:
        move_statistics(norms, mean, variance, x.numel() // layer.options.channels)
    return Narrow.apply(out) if narrowing else out.to(narrow)


def parameters(layer: Layer) -> tuple[list[dict[str, Any]], list[Any]]:
    """Those of the learned fields' convolutions, and their norms, the output's last."""
    present = [part for part in _parts(layer) if part is not None]
    norms = [*(part.norm for part in present), layer._modules["out_norm"]]
    return [part.convolution._parameters for part in present], norms


def settings(layer: Layer, norms: list[Any], background: float = 0.0) -> Any:
    """`pde_ops.cpu.argument.Settings` of the layer as it is now."""
    rows = iter(range(len(norms) - 1))
    learned = [-1 if layer._modules.get(name) is None else next(rows) for name in FIELDS]
    return Settings(
        learned, list(layer.options.constants), [norms[0].eps, norms[-1].eps], norms[0].multiplier,
        background, norms[-1].training, *layer.options.arguments,
    )  # fmt: skip
