"""What each of PyTorch's operators is in ONNX, for those that this project's networks are made of.

A translation takes a `Sheet`, the result's name, the operator's arguments, and the result's like on the meta
device; it writes nodes, or raises ``NoTranslation``. Source: the operators' definitions in ONNX's
Operators.md, opset 18.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from pde_ops.cpu.fixed_operator import FIXED

aten = torch.ops.aten
DOMAIN = "pde.layers"  # of this project's own operator


class NoTranslation(Exception):
    """An operator, or a use of it, that is not among those below."""


class Sheet(Protocol):
    """Where nodes are written."""

    def add(self, kind: str, inputs: Sequence[Any], out: str | None = None, **attributes: Any) -> str:
        """Writes a node; an input is a value's name, or a number or list of whole numbers that becomes a
        constant, or None. Returns the result's name, ``out`` or a new one."""
        ...


Translation = Callable[[Sheet, str, Sequence[Any], Tensor], None]
TRANSLATIONS: dict[Any, Translation] = {}

_UNARY = {
    aten.relu.default: "Relu", aten.sigmoid.default: "Sigmoid", aten.tanh.default: "Tanh",
    aten.hardswish.default: "HardSwish", aten.reciprocal.default: "Reciprocal", aten.neg.default: "Neg",
    aten.abs.default: "Abs", aten.exp.default: "Exp", aten.sqrt.default: "Sqrt", aten.log.default: "Log",
}  # fmt: skip
_BINARY = {
    aten.add.Tensor: "Add", aten.sub.Tensor: "Sub", aten.mul.Tensor: "Mul", aten.div.Tensor: "Div",
    aten.maximum.default: "Max", aten.minimum.default: "Min",
}  # fmt: skip


def _translates(*operators: Any) -> Callable[[Translation], Translation]:
    def register(translation: Translation) -> Translation:
        TRANSLATIONS.update(dict.fromkeys(operators, translation))
        return translation

    return register


def _unary(kind: str) -> Translation:
    return lambda sheet, out, args, like: _done(sheet.add(kind, args[:1], out))


def _binary(kind: str) -> Translation:
    return lambda sheet, out, args, like: _done(sheet.add(kind, args[:2], out))


def _done(name: str) -> None:
    """A translation gives nothing back."""


TRANSLATIONS.update({operator: _unary(kind) for operator, kind in _UNARY.items()})
TRANSLATIONS.update({operator: _binary(kind) for operator, kind in _BINARY.items()})


@_translates(aten.rsub.Scalar)
def _rsub(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, other, alpha = args
    _require(alpha == 1)
    sheet.add("Sub", [float(other), x], out)


@_translates(aten.addcmul.default)
def _addcmul(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    total, one, other = args
    sheet.add("Add", [total, sheet.add("Mul", [one, other])], out)


@_translates(aten.hardtanh.default)
def _hardtanh(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, least, most = args
    sheet.add("Clip", [x, float(least), float(most)], out)


@_translates(aten.silu.default)
def _silu(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    sheet.add("Mul", [args[0], sheet.add("Sigmoid", args)], out)


@_translates(aten.hardsigmoid.default)
def _hardsigmoid(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    sheet.add("HardSigmoid", args, out, alpha=1 / 6, beta=0.5)


@_translates(aten.full_like.default)
def _full_like(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, value = args[:2]
    sheet.add("Expand", [float(value), sheet.add("Shape", [x])], out)


@_translates(aten.roll.default)
def _roll(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, shifts, dims = args
    _require(len(shifts) == len(dims) == 1)
    split = -shifts[0] % like.shape[dims[0]]  # what stands there comes first
    if split == 0:
        sheet.add("Identity", [x], out)
        return
    parts = [_slice(sheet, x, dims[0], split, _END), _slice(sheet, x, dims[0], 0, split)]
    sheet.add("Concat", parts, out, axis=dims[0])


_END = 2**63 - 1


def _slice(
    sheet: Sheet, x: str, dim: int, start: int, end: int, step: int = 1, out: str | None = None
) -> str:
    return sheet.add("Slice", [x, [start], [end], [dim], *([] if step == 1 else [[step]])], out)


@_translates(aten.slice.Tensor)
def _slice_tensor(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, dim, start, end, step = args
    _slice(sheet, x, dim, start or 0, _END if end is None else end, step, out)


@_translates(aten.cat.default)
def _cat(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    parts, dim = args
    sheet.add("Concat", parts, out, axis=dim)


@_translates(aten.constant_pad_nd.default)
def _pad(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, widths, value = args
    before, after = [0] * like.dim(), [0] * like.dim()
    for number, (low, high) in enumerate(zip(widths[::2], widths[1::2], strict=True), start=1):
        before[-number], after[-number] = low, high
    sheet.add("Pad", [x, before + after, float(value)], out, mode="constant")


@_translates(aten.convolution.default)
def _convolution(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = args
    spatial = like.dim() - 2
    _require(not transposed)
    sheet.add(
        "Conv", [x, weight, *([] if bias is None else [bias])], out,
        strides=_each(stride, spatial), pads=_each(padding, spatial) * 2, dilations=_each(dilation, spatial),
        group=groups,
    )  # fmt: skip


@_translates(aten.linear.default)
def _linear(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, weight, bias = args
    _require(like.dim() == 2)
    sheet.add("Gemm", [x, weight, *([] if bias is None else [bias])], out, transB=1)


@_translates(aten.max_pool2d.default)
def _max_pool(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, kernel, stride, padding, dilation, ceil = args
    _require(not ceil and like.dim() == 4)
    sheet.add(
        "MaxPool", [x], out, kernel_shape=_each(kernel, 2), strides=_each(stride or kernel, 2),
        pads=_each(padding, 2) * 2, dilations=_each(dilation, 2),
    )  # fmt: skip


@_translates(aten.avg_pool2d.default)
def _avg_pool(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, kernel, stride, padding, ceil, count_padding, divisor = args
    _require(not ceil and divisor is None and like.dim() == 4)
    sheet.add(
        "AveragePool", [x], out, kernel_shape=_each(kernel, 2), strides=_each(stride or kernel, 2),
        pads=_each(padding, 2) * 2, count_include_pad=int(count_padding),
    )  # fmt: skip


@_translates(aten.mean.dim)
def _mean(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    x, dims, keep = args
    _require(bool(dims))
    sheet.add("ReduceMean", [x, list(dims)], out, keepdims=int(keep))


@_translates(aten.reshape.default)
def _reshape(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    sheet.add("Reshape", [args[0], list(args[1])], out)


@_translates(aten.group_norm.default)
def _group_norm(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    """ONNX's own GroupNormalization means different things in different versions."""
    x, groups, weight, bias, eps = args
    rows = sheet.add("Reshape", [x, [0, groups, -1]])
    ones, zeros = (sheet.add("Expand", [value, [groups]]) for value in (1.0, 0.0))
    rows = sheet.add("InstanceNormalization", [rows, ones, zeros], epsilon=eps)
    rows = sheet.add("Reshape", [rows, [-1, *like.shape[1:]]])
    shape = [-1] + [1] * (like.dim() - 2)
    if weight is not None:
        rows = sheet.add("Mul", [rows, sheet.add("Reshape", [weight, shape])])
    if bias is not None:
        rows = sheet.add("Add", [rows, sheet.add("Reshape", [bias, shape])])
    sheet.add("Identity", [rows], out)


@_translates(FIXED)
def _fixed_layer(sheet: Sheet, out: str, args: Sequence[Any], like: Tensor) -> None:
    """An operator of this project's own, which its library brings (`library`)."""
    *tensors, whole, numbers = args
    sheet.add("FixedLayer", [*tensors, list(whole), list(numbers)], out, domain=DOMAIN)


def _each(numbers: Sequence[int], dims: int) -> list[int]:
    """One number for every dimension, where one stands for all."""
    return list(numbers) * dims if len(numbers) == 1 else list(numbers)


def _require(holds: bool) -> None:
    if not holds:
        raise NoTranslation
