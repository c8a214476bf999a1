"""What the fused layer is called with, in Python and in C++, made of one table.

The options of the layer that are the kernel's arguments come from `pde_ops.options`; what comes from its modules
and tensors stands here. Of these are made: the settings of the torch operator and their schema, the ctypes
structure `PdeLayer`, and the C++ header ``argument_members.h`` with the same structure and the choices as enums.
"""

from __future__ import annotations

import ctypes
from collections import namedtuple
from collections.abc import Iterable
from typing import Any, NamedTuple

from torch import Tensor

from pde_ops.options import ARGUMENTS


class Tensors(NamedTuple):
    """The operator's tensors, for F learned fields, C channels and k x k convolutions.

    ``x`` is ``(N, C, H, W)``, ``weight`` ``(F, C, 1, k, k)``, ``bias`` ``(F, C)``, ``time`` ``(C,)`` for an implicit
    step in place of the explicit ones, the others ``(F + 1, C)``: gains, biases and statistics of the coefficients'
    norms and, last, of the output's.
    """

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    time: Tensor | None
    gain: Tensor
    shift: Tensor
    mean: Tensor
    variance: Tensor


class Gradients(NamedTuple):
    """Of the first of the `Tensors`, in their order."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None
    time: Tensor | None
    gain: Tensor
    shift: Tensor


class Member(NamedTuple):
    """One member of the C++ structure: an array where ``length`` > 1."""

    name: str
    type: Any
    length: int = 1
    note: str = ""


LONG, INT, DOUBLE, POINTER = ctypes.c_long, ctypes.c_int, ctypes.c_double, ctypes.c_void_p
IN_C = {LONG: "long", INT: "int", DOUBLE: "double", POINTER: "void*"}
OPTION_TYPES = {"int": INT, "bool": INT, "str": INT, "float": DOUBLE}  # a str by its place among the choices

# What the modules say: the type in torch's schema, and the member it fills.
FROM_MODULES = {
    "learned": (
        "int[]",
        Member("learned", INT, 4, "row of velocity x, y, diffusivity x, y, or -1: a number"),
    ),
    "constants": ("float[]", Member("constants", DOUBLE, 4, "the numbers for those not learned")),
    "eps": ("float[]", Member("eps", DOUBLE, 2, "of the coefficients' norms, of the output's")),
    "multiplier": ("float", Member("multiplier", DOUBLE, 1, "on the gain of the coefficients' norms")),
    "background": ("float", Member("background", DOUBLE, 1, "diffusivity that an implicit step adds")),
    "training": ("bool", Member("training", INT, 1, "statistics of the batch, or the running ones")),
}
FROM_TENSORS = (
    Member("images", LONG),
    Member("channels", LONG),
    Member("rows", INT),
    Member("cols", INT),
    Member("fields", INT, 1, "learned ones, F: 2 or 4"),
    Member("kernel", INT, 1, "rows and columns of a convolution"),
    Member("type", INT, 1, "of x and out: 0 float, 1 double, 2 bfloat16, in evaluation with channels last"),
    Member("own", INT, 1, "type of parameters and statistics: as x's, float or bfloat16 for one of bfloat16"),
    Member("threads", INT),
    Member("x", POINTER),
    Member("weight", POINTER, 4),
    Member("bias", POINTER, 4, "null where there is none"),
    Member("time", POINTER, 1, "of an implicit step, for each channel; null: explicit steps"),
    Member("gain", POINTER, 5),
    Member("shift", POINTER, 5),
    Member("mean", POINTER, 5, "given in evaluation, filled in training; variance too"),
    Member("variance", POINTER, 5),
    Member("state", POINTER, 1, "after the last step, before the output's norm; null where nobody wants it"),
    Member("out", POINTER),
    Member("grad_out", POINTER),
    *(Member(f"grad_{name}", POINTER) for name in Gradients._fields),
)
MEMBERS = (
    *FROM_TENSORS,
    *(member for _, member in FROM_MODULES.values()),
    *(Member(name, OPTION_TYPES[option.type]) for name, option in ARGUMENTS.items()),
)

SETTINGS = {name: kind for name, (kind, _) in FROM_MODULES.items()}
SETTINGS |= {name: option.type for name, option in ARGUMENTS.items()}


def _record(name: str, fields: Iterable[str]) -> Any:
    """A named tuple whose fields are known when the program runs, which a type checker cannot follow."""
    return namedtuple(name, tuple(fields))  # type: ignore[misc]


OPTIONAL = ("bias", "time")  # of the tensors
Settings = _record("Settings", SETTINGS)  # everything the operator takes besides tensors
SCHEMA = ", ".join(
    [f"{'Tensor?' if name in OPTIONAL else 'Tensor'} {name}" for name in Tensors._fields]
    + [f"{kind} {name}" for name, kind in SETTINGS.items()]
)
COUNT = len(Tensors._fields) + len(SETTINGS)


def named(given: tuple[Any, ...] | list[Any]) -> tuple[Tensors, Any]:
    """The operator's arguments, which come in the schema's order: `Tensors` and `Settings`."""
    return Tensors(*given[: len(Tensors._fields)]), Settings(*given[len(Tensors._fields) :])


class PdeLayer(ctypes.Structure):
    """The kernel's one argument; C++ has it from `header`."""

    _fields_ = [(m.name, m.type if m.length == 1 else m.type * m.length) for m in MEMBERS]


CHOICES = {name: option.choices for name, option in ARGUMENTS.items() if option.choices}
ARRAYS = tuple(name for name, (_, member) in FROM_MODULES.items() if member.length > 1)


def in_struct(settings: Any) -> dict[str, Any]:
    """The members that ``settings`` fill, by name."""
    members = settings._asdict()
    for name, choices in CHOICES.items():
        members[name] = choices.index(members[name])
    for name in ARRAYS:
        members[name] = tuple(members[name])
    return members


def header() -> str:
    """The C++ header: an enum for each option that is a choice, and the structure."""
    lines = ["// Made by pde_ops/cpu/argument.py when the kernels are built.", "#pragma once", ""]
    for name, option in ARGUMENTS.items():
        if option.choices and not option.same:  # else the enum is that of the other option
            choices = ", ".join("k" + _title(choice) for choice in option.choices)
            lines.append(f"enum {_title(name)} {{ {choices} }};")
    lines += ["", 'extern "C" {', "struct PdeLayer {"]
    for member in MEMBERS:
        size = "" if member.length == 1 else f"[{member.length}]"
        note = f"  // {member.note}" if member.note else ""
        lines.append(f"  {IN_C[member.type]} {member.name}{size};{note}")
    return "\n".join([*lines, "};", "}", ""])


def _title(words: str) -> str:
    return "".join(word.title() for word in words.replace("_", "-").split("-"))
