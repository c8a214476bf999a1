"""What a text means as a setting of a search: counts, sizes of images, sizes of networks."""

from __future__ import annotations

import re

from records.checks import shown
from records.errors import UserError
from training.data.datasets import sides

_SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def parse_count(text: str) -> int:
    """A count such as ``20M``, ``1.5G``, ``300k`` or ``12345``. Raises `UserError`."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([kmg]?)\s*", text, re.IGNORECASE)
    if match is None:
        raise UserError(f"{shown(text)} is no count; accepted: a number with k, M or G, such as 20M")
    return round(float(match[1]) * _SUFFIXES[match[2].lower()])


def parse_size(text: str) -> int | str:
    """An image size such as ``28``, or ``28x32``, height first. Raises `UserError`."""
    height, width = sides(text)
    return height if height == width else f"{height}x{width}"


def parse_sizes(text: str) -> int | str:
    """A whole number, or several with commas, such as ``4,8,16``, among which is searched. Raises `UserError`."""
    parts = text.split(",")
    if not all(re.fullmatch(r"\s*[+-]?\d{1,15}\s*", part) for part in parts):
        raise UserError(
            f"{shown(text)} is no size; accepted: a whole number, or several with commas, such as 4,8,16"
        )
    return ",".join(str(int(part)) for part in parts) if len(parts) > 1 else int(text)
