"""What an architecture holds, read from its JSON alone: nothing is built, and a plugin's parts need not be known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

GLOBAL_PREFIX = "global_"
NOTHING = "none"


def is_global(name: str) -> bool:
    """Whether an operation's name, such as ``global_3`` or ``depthwise_3x3+global_1``, is of a global layer."""
    return GLOBAL_PREFIX in name and any(part.startswith(GLOBAL_PREFIX) for part in name.split("+"))


def places(architecture: Any) -> Iterator[tuple[str, ...]]:
    """The names that stand at each place: the primitive of a cell's edge (``none`` is no edge), what a stage or a
    block is of, and each choice for the whole network that is a name."""
    whole = architecture.items() if isinstance(architecture, dict) else ()
    for _, value in whole:
        if isinstance(value, str):
            yield (value,)
        else:
            yield from _within(value)


def _within(part: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(part, dict):
        names = tuple(value for value in part.values() if isinstance(value, str))
        if names:
            yield names
        for value in part.values():
            yield from _within(value)
    elif isinstance(part, list):
        if len(part) == 2 and isinstance(part[0], str) and type(part[1]) is int:  # an edge and its source
            part = part[:1]
        for value in part:
            if isinstance(value, str):
                yield from [] if value == NOTHING else [(value,)]
            else:
                yield from _within(value)


def global_share(architecture: Any) -> float | None:
    """The share in [0, 1] of an architecture's places that have a global layer; None where nothing is named.

    Examples:
        >>> global_share({"normal": [[["global_3", 0], ["skip_connect", 1]], [["none", 0], ["global_5", 2]]]})
        0.6666666666666666
    """
    held = list(places(architecture))
    return sum(any(map(is_global, names)) for names in held) / len(held) if held else None
