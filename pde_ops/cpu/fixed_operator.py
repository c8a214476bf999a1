"""The operator ``pde_ops::fixed_layer``: a fused layer as it is deployed, without statistics and without gradients.

It is what an exported program calls where the kernels travel with it: norms are folded, and all settings are whole
numbers and floats in two lists, so that a runtime's shim in C++ (``deployed/``) needs no more than them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pde_ops.cpu import backend
from pde_ops.cpu.argument import DOUBLE, MEMBERS, Member, PdeLayer, Settings, Tensors, in_struct
from pde_ops.cpu.fused_operator import evaluate, rows_of, stays_channels_last, threads
from pde_ops.operator import library

# Members of `PdeLayer` that are settings: those that norms in evaluation, once folded, do not need are left out.
_FOLDED = ("eps", "multiplier", "training")
_FIRST = next(place for place, member in enumerate(MEMBERS) if member.name == "learned")
SETTINGS = tuple(member for member in MEMBERS[_FIRST:] if member.name not in _FOLDED)
_STEPS = 4  # among the whole numbers: after `learned`

library.define(
    "fixed_layer(Tensor x, Tensor weight, Tensor shift, Tensor out_norm, Tensor time, int[] whole, float[] numbers)"
    " -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.flexible_layout),
)
FIXED = torch.ops.pde_ops.fixed_layer.default


def fixed(tensors: Tensors, settings: Settings) -> tuple[Any, ...]:
    """The operator's arguments for a layer in evaluation.

    ``weight`` ``(F, C, 1, k, k)`` and ``shift`` ``(F, C)`` are the coefficients' convolutions with their norms folded,
    ``out_norm`` ``(2, C)`` factor and summand of the output's, ``time`` ``(C,)``, or ``(0,)`` for explicit steps.
    """
    eps = torch.tensor([settings.eps[0]] * (len(tensors.mean) - 1) + [settings.eps[1]], dtype=torch.float64)
    gain = tensors.gain.double() / (tensors.variance.double() + eps[:, None]).sqrt()
    gain[:-1] *= settings.multiplier
    shift = tensors.shift - tensors.mean * gain
    if tensors.bias is not None:
        shift[:-1] += tensors.bias * gain[:-1]
    like = tensors.weight.dtype
    weight = (tensors.weight * gain[:-1, :, None, None, None]).to(like)
    time = torch.empty(0, dtype=like) if tensors.time is None else tensors.time
    out_norm = torch.stack([gain[-1], shift[-1]]).to(like)
    return tensors.x, weight, shift[:-1].to(like), out_norm, time, *in_lists(settings)


def in_lists(settings: Settings) -> tuple[list[int], list[float]]:
    """The settings in the order of `SETTINGS`: those that are whole numbers, those that are floats."""
    members = in_struct(settings)
    whole: list[Any] = []
    numbers: list[Any] = []
    for member in SETTINGS:
        value = members[member.name]
        target = numbers if member.type is DOUBLE else whole
        target += value if member.length > 1 else [value]
    return [int(value) for value in whole], [float(value) for value in numbers]


def header() -> str:
    """A C++ function that puts the two lists into a ``PdeLayer``, whose norms are the identity."""
    lines = [
        "// Made by pde_ops/cpu/fixed_operator.py.",
        "#pragma once",
        "#include <cstdint>",
        '#include "argument_members.h"',
        "",
        "namespace pde {",
        f"constexpr int kSteps = {_STEPS};  // where it stands among the whole numbers",
        "}",
        "",
        "inline void set_pde_layer(PdeLayer& l, const std::int64_t* whole, const double* numbers) {",
    ]
    for member in SETTINGS:
        lines += _reads(member)
    lines += ["  l.eps[0] = l.eps[1] = 0;", "  l.multiplier = 1;", "  l.training = 0;", "}", ""]
    return "\n".join(lines)


def _reads(member: Member) -> list[str]:
    value = "*numbers++" if member.type is DOUBLE else "int(*whole++)"
    if member.length == 1:
        return [f"  l.{member.name} = {value};"]
    return [f"  for (int i = 0; i < {member.length}; ++i) l.{member.name}[i] = {value};"]


def _evaluate(
    x: Tensor,
    weight: Tensor,
    shift: Tensor,
    out_norm: Tensor,
    time: Tensor,
    whole: list[int],
    numbers: list[float],
) -> Tensor:
    layout = _layout(x, time, whole)
    x = x.contiguous(memory_format=layout)
    weight, shift, out_norm, time = (each.contiguous() for each in (weight, shift, out_norm, time))
    images, channels, rows, columns = x.shape
    fields = len(weight)
    ones, zeros = torch.ones(channels, dtype=x.dtype), torch.zeros(channels, dtype=x.dtype)
    one, zero = ones.data_ptr(), zeros.data_ptr()
    layer = PdeLayer(
        images=images, channels=channels, rows=rows, cols=columns, fields=fields, kernel=weight.shape[-1],
        type=backend.TYPES[x.dtype], x=x.data_ptr(), time=time.data_ptr() if len(time) else None,
        weight=rows_of(weight), bias=rows_of(shift),
        gain=(*[one] * fields, out_norm[0].data_ptr()), shift=(*[zero] * fields, out_norm[1].data_ptr()),
        mean=(zero,) * (fields + 1), variance=(one,) * (fields + 1), multiplier=1.0,
    )  # fmt: skip
    values = {True: iter(numbers), False: iter(whole)}
    for member in SETTINGS:
        several = [next(values[member.type is DOUBLE]) for _ in range(member.length)]
        setattr(
            layer,
            member.name,
            member.type(several[0]).value if member.length == 1 else (member.type * member.length)(*several),
        )
    layer.threads = threads(x, layer.steps)
    out = torch.empty_like(x)
    layer.out = out.data_ptr()
    evaluate(layer, layout is torch.channels_last)
    return out


library.impl("fixed_layer", _evaluate, "CPU")


@torch.library.register_fake("pde_ops::fixed_layer", lib=library)
def _fake(x: Tensor, *given: Any) -> Tensor:
    *_, time, whole, _numbers = given
    return torch.empty_like(x, memory_format=_layout(x, time, whole))


def _layout(x: Tensor, time: Tensor, whole: list[int]) -> torch.memory_format:
    """How the kernel takes ``x`` and gives its output."""
    last = not len(time) and stays_channels_last(x, whole[_STEPS])
    return torch.channels_last if last else torch.contiguous_format
