"""Whether the costs that a user's own primitives state are what they have."""

from __future__ import annotations

from collections.abc import Iterable

from records.errors import UserError
from search_space.counting import UnknownOperatorError, count
from search_space.primitives.registry import get_primitive, primitive_cost

_CHANNELS, _SIDE = 4, 8


def require_exact_costs(names: Iterable[str]) -> None:
    """Raises `UserError` for a primitive that is not this project's own and whose `cost` is not what
    `search_space.counting` counts: a budget, a penalty and the front are made of it."""
    for name in names:
        primitive = get_primitive(name)
        if primitive.__module__.startswith("search_space."):
            continue  # its tests hold it
        for stride in (1, 2):
            try:
                counted = count(primitive(_CHANNELS, stride), (_CHANNELS, _SIDE, _SIDE))
            except UnknownOperatorError:
                continue  # an operator of the user's own, which nobody else can count
            stated = primitive_cost(name, _CHANNELS, stride, (_SIDE, _SIDE))
            if stated != counted:
                raise UserError(
                    f"primitive {name} states {stated} for {_CHANNELS} channels of {_SIDE}x{_SIDE}, stride {stride}; "
                    f"counted are {counted}: mend its cost"
                )
