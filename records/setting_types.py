"""Values of settings as they come from Python: brought to the plain types that JSON and a command line have."""

from __future__ import annotations

import dataclasses
import numbers
import operator
import os
from typing import Any

from records.checks import shown
from records.errors import UserError

_WORDS = {"int": "a whole number", "float": "a number", "str": "text", "None": "None"}


def plain_value(field: dataclasses.Field, value: Any) -> Any:
    """``value`` as int, float, str or None, whichever ``field`` is declared as: numpy's numbers become Python's, a
    path becomes text. Raises `UserError` for other types, and for text that no file's name can hold."""
    kinds = str(field.type).split(" | ")
    if value is None and "None" in kinds:
        return None
    if "int" in kinds and (whole := _whole(value)) is not None:
        return whole
    if "float" in kinds and isinstance(value, numbers.Real) and not isinstance(value, bool):
        return float(value)
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if "str" in kinds and isinstance(text, str) and "\0" not in text:
        return text
    accepted = " or ".join(_WORDS[kind] for kind in kinds)
    raise UserError(f"{field.name} is {shown(value)}; accepted: {accepted}")


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    try:
        return operator.index(value)
    except TypeError:  # an array of several numbers has the method, too
        return None
