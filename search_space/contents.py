"""What an architecture holds, read from its JSON alone: nothing is built, and a plugin's parts need not be known."""

from __future__ import annotations

from typing import Any

GLOBAL_PREFIX = "global_"
NOTHING = "none"


def is_global(name: str) -> bool:
    """Whether an operation's name, such as ``global_3`` or ``depthwise_3x3+global_1``, is of a global layer."""
    return name.startswith(GLOBAL_PREFIX) or f"+{GLOBAL_PREFIX}" in name


def places(architecture: Any) -> list[tuple[str, ...]]:
    """The names that stand at each place: the primitive of a cell's edge (``none`` is no edge), what a stage or a
    block is of, and each choice for the whole network that is a name."""
    found: list[tuple[str, ...]] = []
    whole = architecture.values() if isinstance(architecture, dict) else ()
    for value in whole:
        if isinstance(value, str):
            found.append((value,))
        else:
            _collect(value, found)
    return found


def _collect(part: Any, found: list[tuple[str, ...]]) -> None:
    if isinstance(part, list):
        if len(part) == 2 and isinstance(part[0], str) and type(part[1]) is int:  # an edge and its source
            part = part[:1]
        for value in part:
            if not isinstance(value, str):
                _collect(value, found)
            elif value != NOTHING:
                found.append((value,))
    elif isinstance(part, dict):
        if names := tuple(value for value in part.values() if isinstance(value, str)):
            found.append(names)
        for value in part.values():
            _collect(value, found)


def global_share(architecture: Any) -> float | None:
    """The share in [0, 1] of an architecture's places that have a global layer; None where nothing is named.

    Examples:
        >>> global_share({"normal": [[["global_3", 0], ["skip_connect", 1]], [["none", 0], ["global_5", 2]]]})
        0.6666666666666666
    """
    held = places(architecture)
    return sum(any(map(is_global, names)) for names in held) / len(held) if held else None
