"""Settings: fields of frozen dataclasses that say what they are, so that the command line, the portal's form,
`--help` and the checks all come from one declaration.

    @dataclass(frozen=True)
    class Mine(Options):
        population: int = option(8, "living candidates", unit="candidates", least=2)
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import operator
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from records.checks import finite, shown
from records.errors import UserError

_LIST = "tuple[int, ...]"
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "None": "None",
    _LIST: "a list of whole numbers",
}
MOST = 2**31 - 1


def option(
    default: Any,
    help: str,
    *,
    unit: str | None = None,
    metavar: str | None = None,
    choices: Callable[[], Sequence[str]] | None = None,
    used: Callable[[], str] | None = None,
    parse: Callable[[str], Any] | None = None,
    repeated: bool = False,
    path: bool = False,
    open_choices: bool = False,
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """A field of a settings record; it must be given where ``default`` is ``dataclasses.MISSING``.

    ``help`` is a phrase for `--help` and the form; ``unit`` what the number counts; ``metavar`` stands for the value
    in `--help`, by default N for a whole number and X for anything else. ``choices`` and ``used`` are
    functions, so that naming them costs nothing until asked: the values there are (``open_choices``: among others), and
    what is used where the default is None. ``parse`` makes the value of a text, by default as the field's type says. ``repeated``: given
    several times, the texts are joined with spaces. ``path``: the text names a file or folder, and is not empty. ``least`` and ``most``: the range of a number, both accepted;
    a whole number is never above 2147483647 unless ``most`` says so.
    """
    metadata = {
        "help": help, "unit": unit, "metavar": metavar, "choices": choices, "used": used, "parse": parse,
        "repeated": repeated, "path": path, "open_choices": open_choices, "least": least, "most": most,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Options:
    """A settings record whose values are checked when it is made. Raises `UserError` naming the setting, what was
    given and what is accepted.

    Examples:
        >>> @dataclass(frozen=True)
        ... class Mine(Options):
        ...     population: int = option(8, "living candidates", unit="candidates", least=2)
        >>> Mine(population=1)
        Traceback (most recent call last):
        records.errors.UserError: population is 1; accepted: a whole number, 2 or more
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, checked(field, getattr(self, field.name)))


def checked(field: dataclasses.Field, value: Any) -> Any:
    """``value`` as `plain_value` gives it, within the field's range and choices. Raises `UserError`."""
    value = plain_value(field, value)
    if value is None:
        return None
    choices = field.metadata["choices"]
    if choices is not None and not field.metadata["open_choices"] and value not in choices():
        raise UserError(f"{field.name} is {shown(value)}; accepted: {', '.join(choices())}")
    if isinstance(value, (str, tuple)):
        return value
    least, most = field.metadata["least"], field.metadata["most"]
    if type(value) is int:
        most = MOST if most is None else most
    low, high = (-math.inf if least is None else least), (math.inf if most is None else most)
    if not (low <= value <= high and finite(value)):
        raise UserError(f"{field.name} is {shown(value)}; accepted: {_range(value, least, most)}")
    return value


def require_defaults(owner: str, settings: type) -> None:
    """Raises `UserError` for a field of a settings record of ``owner`` that has no default."""
    for field in dataclasses.fields(settings):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UserError(
                f"{owner} has a setting {field.name} without a default; accepted: one with a default"
            )


def require_options(owner: str, settings: type) -> None:
    """Raises `UserError` for a settings record of ``owner`` that is no record of `option` fields."""
    if not (isinstance(settings, type) and issubclass(settings, Options)):
        raise UserError(f"{owner} has settings {shown(settings)}; accepted: a subclass of Options")
    for field in dataclasses.fields(settings):
        if "help" not in field.metadata or (field.default is None and field.metadata["used"] is None):
            raise UserError(
                f"{owner} has a setting {field.name} that says too little; accepted: {field.name}: <type> = "
                "option(<default>, <help>), with `used` where the default is None"
            )


def _range(value: float, least: float | None, most: float | None) -> str:
    kind = "a whole number" if type(value) is int else "a number" if finite(value) else "a finite number"
    if most == MOST and value <= MOST:
        most = None  # nobody asks for so many
    if least is not None and most is not None:
        return f"{kind} from {least:g} to {most}"
    if least is not None:
        return f"{kind}, {least:g} or more"
    return kind if most is None else f"{kind}, at most {most}"


def _float(value: Any) -> float:
    """A number as a float; infinite where it is a whole number too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def plain_value(field: dataclasses.Field, value: Any) -> Any:
    """``value`` as int, float, str, tuple of int or None, whichever ``field`` is declared as: numpy's numbers become
    Python's, a path becomes text, a list a tuple. Raises `UserError` for other types, and for text that no file's name can hold."""
    kinds = _kinds(field)
    if value is None and "None" in kinds:
        return None
    if "int" in kinds and (whole := _whole(value)) is not None:
        return whole
    if "float" in kinds and isinstance(value, numbers.Real) and not isinstance(value, bool):
        return _float(value)
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    names_a_path = field.metadata.get("path", False)
    if "str" in kinds and isinstance(text, str) and "\0" not in text and (text or not names_a_path):
        return text
    if _LIST in kinds and isinstance(value, (list, tuple)):
        whole_ones = tuple(map(_whole, value))
        if None not in whole_ones:
            return whole_ones
    words = _WORDS | ({"str": "a path"} if names_a_path else {})
    accepted = " or ".join(words[kind] for kind in kinds)
    raise UserError(f"{field.name} is {shown(value)}; accepted: {accepted}")


def _kinds(field: dataclasses.Field) -> list[str]:
    """The names of the types it may have, however its annotation was written."""
    declared = field.type
    return (declared.__name__ if isinstance(declared, type) else str(declared)).split(" | ")


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    try:
        return operator.index(value)
    except TypeError:  # an array of several numbers has the method, too
        return None


def metavar(field: dataclasses.Field) -> str:
    """What stands for the value in `--help`."""
    return field.metadata["metavar"] or ("N" if _kinds(field)[0] == "int" else "X")


def parser(field: dataclasses.Field) -> Callable[[str], Any]:
    """Text to value: the field's own, or that of its type. It raises ``ValueError``."""
    plain = {"int": int, "float": float}.get(_kinds(field)[0], str)
    return field.metadata["parse"] or plain


def accepted_text(field: dataclasses.Field) -> str:
    """What a text must be for `parser`, in words.

    Examples:
        >>> accepted_text(next(iter(dataclasses.fields(dataclasses.make_dataclass("A", [("x", "int")])))))
        'a whole number'
    """
    return _WORDS[_kinds(field)[0]]


def parsed(field: dataclasses.Field, text: str) -> Any:
    """The value that ``text`` means for a setting. Raises `UserError`."""
    try:
        return parser(field)(text)
    except UserError as error:
        raise UserError(f"{field.name}: {error}") from error
    except ValueError as error:
        raise UserError(f"{field.name} is {text!r}; accepted: {accepted_text(field)}") from error
