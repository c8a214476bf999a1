"""What is searched, as one value: a space with its settings, for images of one shape and a number of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from records.checks import shown, whole_number
from records.errors import UserError

Image = tuple[int, int, int]
LARGEST_SIDE = 16_384  # pixels
LARGEST_CLASSES = 10_000_000


@dataclass(frozen=True)
class Problem:
    """One problem; its genotypes are the architectures among which a search chooses.

    Whether the space is known, and its settings are right, is seen when the space takes the problem: see
    ``Space.settings_of``.

    Args:
        space: the space's registered name.
        settings: of the space, by name, in JSON's types; what is left out gets its default.
        image: (channels, height, width) of one image, in pixels.
        classes: number of classes.

    Raises:
        UserError: naming the field, what it is, and what is accepted.

    Examples:
        >>> Problem("darts-global", {"cells": 3}, image=(1, 8, 8), classes=10).to_json()
        {'space': 'darts-global', 'settings': {'cells': 3}, 'image': [1, 8, 8], 'classes': 10}
    """

    space: str
    settings: Mapping[str, Any]
    image: Image
    classes: int
    # What the space makes of the settings, so that it is made once: see ``Space.settings_of``.
    _kept: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.image, (list, tuple)) or len(self.image) != 3:
            raise UserError(f"image is {shown(self.image)}; accepted: [channels, height, width]")
        names = ("channels", "height", "width")
        sides = [
            whole_number(f"image's {n}", v, 1, LARGEST_SIDE) for n, v in zip(names, self.image, strict=True)
        ]
        object.__setattr__(self, "image", tuple(sides))
        object.__setattr__(self, "classes", whole_number("classes", self.classes, 2, LARGEST_CLASSES))
        object.__setattr__(self, "settings", plain_object("settings", self.settings))

    def __hash__(self) -> int:
        return hash((self.space, self.image, self.classes))  # equal problems have these in common

    def to_json(self) -> dict[str, Any]:
        """A new dictionary of plain JSON values."""
        return {
            "space": self.space,
            "settings": plain("settings", self.settings),
            "image": list(self.image),
            "classes": self.classes,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Problem:
        """Reads what ``to_json`` gave. Raises ``UserError``."""
        return cls(**record)


_LEAVES = frozenset({str, int, bool, type(None)})


def plain(name: str, value: Any) -> Any:
    """A deep copy of ``value`` in JSON's types alone: tuples become lists; what JSON has not is an error."""
    if type(value) in _LEAVES:
        return value
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UserError(f"{name} has the name {shown(key)}; accepted: text")
        return {key: plain(name, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        # Most of what an architecture holds; a search copies hundreds of thousands of them.
        return [item if type(item) in _LEAVES else plain(name, item) for item in value]
    if isinstance(value, (str, int)):  # a kind of theirs
        return value
    if isinstance(value, float) and value - value == 0:  # neither infinite nor NaN
        return value
    raise UserError(
        f"{name} holds {shown(value)}; accepted: numbers, text, true, false, null, lists, objects"
    )


def plain_object(name: str, value: Any) -> dict[str, Any]:
    """``plain`` of a dictionary. Raises ``UserError`` for anything else."""
    if not isinstance(value, dict):
        raise UserError(f"{name} is {shown(value)}; accepted: an object with names and values")
    return plain(name, value)
