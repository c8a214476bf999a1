"""What a text means as a setting of a search: sizes of images, sizes of networks."""

from __future__ import annotations

import re

from records.checks import shown
from records.errors import UserError
from training.data.datasets import sides


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
