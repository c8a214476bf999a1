"""Counts what a network costs by watching the operators that its forward pass dispatches.

It knows nothing of spaces and primitives, so it checks their formulas. It sees every operator below autograd,
whatever module called it; nothing is computed, since all tensors are on the ``meta`` device. An operator that
has neither a formula nor a place in the list of those that cost nothing is an error, never zero.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from pde_ops.cost import (
    IMPLICIT_MACS_PER_ELEMENT,
    NORM_MACS_PUBLISHED,
    PDE_MACS_PER_ELEMENT_SETUP,
    PDE_MACS_PER_ELEMENT_STEP,
    Cost,
)
from records.errors import UserError

Formula = Callable[[Sequence[Any], Any], Cost]  # (arguments, result) -> cost of the whole batch


class UnknownOperatorError(UserError):
    """An operator for which it is not known what it costs."""


# By convention (see pde_ops.cost) only products that a weight, a matrix or the PDE takes part in count.
FREE_BY_REASON = {
    "moves data": (
        "view _unsafe_view reshape expand permute transpose t squeeze unsqueeze slice select split "
        "split_with_sizes cat stack constant_pad_nd clone contiguous detach alias _to_copy copy_ unbind "
        "flatten roll repeat index_select promote_types result_type replication_pad2d upsample_nearest2d"
    ),
    "makes a tensor": (
        "empty empty_like empty_strided zeros zeros_like ones ones_like full full_like new_empty new_zeros "
        "new_ones scalar_tensor lift_fresh arange fill_ zero_ bernoulli_ rand"
    ),
    "element by element": (
        "add add_ sub sub_ rsub neg neg_ abs mul mul_ div div_ reciprocal maximum minimum clamp clamp_ clamp_min "
        "clamp_min_ ge gt le lt eq ne where exp cos log sqrt rsqrt pow native_dropout"
    ),
    "activation": (
        "relu relu_ hardtanh hardtanh_ silu silu_ sigmoid sigmoid_ tanh tanh_ gelu hardswish hardswish_ "
        "hardsigmoid hardsigmoid_ leaky_relu leaky_relu_ elu elu_ _softmax _log_softmax"
    ),
    "sums or compares": "sum mean amax max_pool2d_with_indices avg_pool2d _adaptive_avg_pool2d",
}
FREE = frozenset(f"aten::{name}" for names in FREE_BY_REASON.values() for name in names.split())
_UNARY = frozenset(
    f"aten::{name}" for name in FREE_BY_REASON["activation"].split() if name[0] != "_" and name[-1] != "_"
)


def _convolution(arguments: Sequence[Any], result: Tensor) -> Cost:
    weight = arguments[1]
    if arguments[6]:  # transposed: each input pixel is multiplied with the whole kernel
        macs = math.prod(arguments[0].shape[2:]) * arguments[0].shape[0] * weight.numel()
    else:
        macs = result.numel() * math.prod(weight.shape[1:])
    return Cost(0, macs, macs)


def _scaled(arguments: Sequence[Any], result: Tensor) -> Cost:
    """Of a field with a factor a channel, added to another."""
    return Cost(0, result.numel(), result.numel())


def _product(left: int) -> Formula:
    """Of a matrix (or batch of them) at argument ``left`` with the next one."""

    def formula(arguments: Sequence[Any], result: Tensor) -> Cost:
        macs = result.numel() * arguments[left].shape[-1]
        return Cost(0, macs, macs)

    return formula


def _norm(arguments: Sequence[Any], result: Any) -> Cost:
    out = result[0] if isinstance(result, (tuple, list)) else result
    return Cost(0, 0, NORM_MACS_PUBLISHED * out.numel())


def _implicit_step(arguments: Sequence[Any], result: Tensor) -> Cost:
    return Cost(0, IMPLICIT_MACS_PER_ELEMENT * result.numel(), 0)


def _integrate(arguments: Sequence[Any], result: Tensor) -> Cost:
    steps = _argument(torch.ops.pde_ops.integrate.default, arguments, "steps")
    each = PDE_MACS_PER_ELEMENT_STEP * steps + PDE_MACS_PER_ELEMENT_SETUP
    return Cost(0, each * result.numel(), 0)


FORMULAS: dict[str, Formula] = {
    "aten::convolution": _convolution,
    "aten::mm": _product(0),
    "aten::bmm": _product(0),
    "aten::addmm": _product(1),
    "aten::baddbmm": _product(1),
    "aten::addcmul": _scaled,
    "aten::native_batch_norm": _norm,
    "aten::_native_batch_norm_legit": _norm,
    "aten::_native_batch_norm_legit_no_training": _norm,
    "aten::_batch_norm_no_update": _norm,
    "aten::cudnn_batch_norm": _norm,
    "aten::native_group_norm": _norm,
    "aten::native_layer_norm": _norm,
    "pde_ops::implicit_step": _implicit_step,
    "pde_ops::integrate": _integrate,
}


class CountingMode(TorchDispatchMode):
    """Adds up in ``total`` what the operators cost that are dispatched while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.total = Cost()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name
        formula = FORMULAS.get(name)
        if formula is None and name not in FREE:
            raise UnknownOperatorError(
                f"operator {name} has no cost formula; accepted: those in FORMULAS and FREE of "
                "search_space.counting"
            )
        result: Any
        # On meta torch finds these operators' shapes by running decompositions in Python, which took most of
        # the time of a count; they are known without.
        if formula is _norm and args[0].is_meta and func._schema.returns[1:]:
            empty = args[0].new_empty(0)
            result = (torch.empty_like(args[0]), *(empty for _ in func._schema.returns[1:]))
        elif name in _UNARY and args[0].is_meta:
            result = torch.empty_like(args[0])
        else:
            result = func(*args, **kwargs)
        if formula is not None:
            self.total += formula(_positional(func, args, kwargs), result)
        return result


def count(
    module: nn.Module, image_size: Sequence[int], *, left_out: Sequence[str] = ("auxiliary_head",)
) -> Cost:
    """Cost of ``module`` in eval mode for one image ``(channels, height, width)``; a tensor counts once.

    Parameters of children whose name (in any part) is in ``left_out`` are not counted. The module itself is
    left as it is, unless it is on the meta device already: then it is put to eval mode.

    Raises ``UnknownOperatorError`` naming an operator whose cost is not known.
    """
    on_meta = all(t.is_meta for t in (*module.parameters(), *module.buffers()))
    module = (module if on_meta else copy.deepcopy(module).to("meta")).eval()
    params = {
        id(parameter): parameter.numel()
        for name, parameter in module.named_parameters()
        if not set(name.split(".")) & set(left_out)
    }
    mode = CountingMode()
    with torch.no_grad(), mode:
        module(torch.empty((1, *image_size), device="meta"))
    return mode.total + Cost(sum(params.values()))


def _positional(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments in the order of the operator's schema, defaults filled in."""
    rest = func._schema.arguments[len(args) :]
    return (*args, *(kwargs.get(argument.name, argument.default_value) for argument in rest))


def _argument(func: Any, arguments: Sequence[Any], name: str) -> Any:
    return arguments[[argument.name for argument in func._schema.arguments].index(name)]
