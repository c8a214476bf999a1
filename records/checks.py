"""Checks of values that a user gave; each raises a ``UserError`` naming the setting and what is accepted."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from records.errors import UserError

LONGEST_NAME = 255  # bytes of a file's or folder's name
_SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """``value`` if it is a whole number in [low, high]; numpy and torch integers count, booleans do not."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or not low <= int(value) <= high:
        raise UserError(f"{name} is {shown(value)}; accepted: a whole number from {low} to {high}")
    return int(value)


def finite(value: Any) -> bool:
    """Whether the number is finite as a float: a whole number may be too large for one.

    Examples:
        >>> finite(2.5), finite(float("nan")), finite(10**400)
        (True, False, False)
    """
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def number(name: str, value: Any, low: float, high: float) -> float:
    """``value`` if it is a finite number in [low, high]."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not finite(value)
        or not low <= value <= high
    ):
        raise UserError(f"{name} is {shown(value)}; accepted: a number from {low} to {high}")
    return float(value)


def flag(name: str, value: Any) -> bool:
    """``value`` if it is True or False."""
    if not isinstance(value, bool):
        raise UserError(f"{name} is {shown(value)}; accepted: true or false")
    return value


def text(name: str, value: Any) -> str:
    """``value`` if it is text."""
    if not isinstance(value, str):
        raise UserError(f"{name} is {shown(value)}; accepted: text")
    return value


def as_path(name: str, value: Any) -> Path:
    """``value`` if it names a file or folder: an empty text would mean the working folder."""
    given = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(given, str) or not given or "\0" in given:
        raise UserError(f"{name} is {shown(given)}; accepted: a path")
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in given.split("/")):
        raise UserError(
            f"{name} is {shown(given)}; accepted: a path of names of at most {LONGEST_NAME} bytes"
        )
    return Path(given)


def one_of(name: str, value: Any, accepted: Collection[Any]) -> Any:
    """``value`` if it is among ``accepted``; a number is never taken for true or false, nor for a float."""
    if not any(type(value) is type(option) and value == option for option in accepted):
        raise UserError(f"{name} is {shown(value)}; accepted: {', '.join(map(str, accepted))}")
    return value


def some_of(name: str, value: Any, accepted: Collection[str]) -> tuple[str, ...]:
    """A tuple of ``value``, a non-empty list of different members of ``accepted``."""
    if not isinstance(value, (list, tuple)) or not value:
        raise UserError(f"{name} is {shown(value)}; accepted: a non-empty list of {', '.join(accepted)}")
    for item in value:
        one_of(name, item, accepted)
    if len(set(value)) != len(value):
        raise UserError(f"{name} is {shown(value)}; accepted: each at most once")
    return tuple(value)


def shown(value: Any, limit: int = 80) -> str:
    """``repr`` on one line, cut where it is long."""
    text = re.sub(r"\s*\n\s*", " ", repr(value))  # of an array, say
    return text if len(text) <= limit else text[: limit - 3] + "..."


def parse_count(text: str) -> int:
    """A count such as ``20M``, ``1.5G``, ``300k`` or ``12345``. Raises `UserError`."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([kmg]?)\s*", text, re.IGNORECASE)
    if match is None:
        raise UserError(f"{shown(text)} is no count; accepted: a number with k, M or G, such as 20M")
    count = float(match[1]) * _SUFFIXES[match[2].lower()]
    if 0 < count < 1:
        raise UserError(f"{shown(text)} is less than one; accepted: a number with k, M or G, such as 20M")
    return round(count)


def parse_milliseconds(text: str) -> float:
    """A time such as ``2ms``, ``0.5`` or ``1e-3``, in milliseconds. Raises `UserError`.

    Examples:
        >>> parse_milliseconds("2ms")
        2.0
    """
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?(?:e[+-]?\d{1,2})?)\s*(?:ms)?\s*", text, re.IGNORECASE)
    if match is None:
        raise UserError(f"{shown(text)} is no time; accepted: milliseconds, such as 2 or 2ms")
    return float(match[1])
