"""Plainer forms of operators: of one result, without the number of images, batch norms as two numbers a channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, fx

aten = torch.ops.aten
BATCH = 10_000_019  # images while recording: a prime, larger than any side, width or number of classes


class Context(Protocol):
    """What is recorded so far: names of constants by `place_of`, and the factor and summand of each norm."""

    names: dict[tuple, str]
    norms: dict[tuple, tuple[Tensor, Tensor]]

    def node(self, tensor: Tensor) -> fx.Node | None:
        """The node that makes the tensor; None for one that depends on no image."""
        ...


def place_of(tensor: Tensor) -> tuple:
    """What two views of one memory share if they are the same tensor."""
    return tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype


def counts_images(value: Any) -> bool:
    return type(value) is int and value != 0 and value % BATCH == 0


BEFORE = object()  # the result of the call before
Calls = list[tuple[Any, tuple[Any, ...]]]


def _norm(context: Context, args: Sequence[Any], result: Any) -> Calls | None:
    """Batch norm by running statistics as one factor and one summand a channel."""
    x, weight, bias, mean, variance = args[:5]
    eps = args[-1]
    constants = [t for t in (weight, bias, mean, variance) if t is not None]
    if mean is None or args[5] is True or any(context.node(t) is not None for t in constants):
        return None
    key = (*map(place_of, constants), eps, x.dim())
    if key not in context.norms:  # networks may use a norm many times
        shape = (-1,) + (1,) * (x.dim() - 2)
        factor = (variance.double() + eps).rsqrt()
        factor = factor if weight is None else factor * weight
        summand = -mean * factor if bias is None else bias - mean * factor
        scale, shift = (t.to(mean.dtype).reshape(shape) for t in (factor, summand))
        name = context.names.get(place_of(variance), "norm.running_var").removesuffix(".running_var")
        context.names[place_of(scale)], context.names[place_of(shift)] = f"{name}.weight", f"{name}.bias"
        context.norms[key] = scale, shift
    scale, shift = context.norms[key]
    return [(aten.mul.Tensor, (x, scale)), (aten.add.Tensor, (BEFORE, shift))]


def _linear(context: Context, args: Sequence[Any], result: Any) -> Calls | None:
    bias, x, matrix = args
    if context.node(matrix) is not None:
        return None
    return [(aten.linear.default, (x, matrix.t(), bias))]


def _reshape(context: Context, args: Sequence[Any], result: Any) -> Calls | None:
    sizes = [-1 if size == BATCH else size for size in args[1]]
    if sizes.count(-1) != 1 or any(map(counts_images, sizes)):
        return None
    return [(aten.reshape.default, (args[0], sizes))]


def _group_norm(context: Context, args: Sequence[Any], result: Any) -> Calls | None:
    x, weight, bias, _, _, _, groups, eps = args
    return [(aten.group_norm.default, (x, groups, weight, bias, eps))]


def _max_pool(context: Context, args: Sequence[Any], result: Any) -> Calls | None:
    return [(aten.max_pool2d.default, tuple(args))]


# By operator: those that have a plainer form, of one result and without the number of images.
PLAIN_FORMS: dict[Any, Callable[[Context, Sequence[Any], Any], Calls | None]] = {
    aten.native_batch_norm.default: _norm,
    aten._native_batch_norm_legit_no_training.default: _norm,
    aten.addmm.default: _linear,
    aten.view.default: _reshape,
    aten._unsafe_view.default: _reshape,
    aten.native_group_norm.default: _group_norm,
    aten.max_pool2d_with_indices.default: _max_pool,
}
