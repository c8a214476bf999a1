"""An architecture in some numbers, by which a person compares it with others."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from search_space.contents import NOTHING, global_share, places
from search_space.genotype import Genotype
from search_space.space import get_space

_SIZES = ("width", "cells")
_MOST = 16  # operations of different names


def summary(genotype: Genotype) -> dict[str, int | float]:
    """Numbers alone, the same names for every architecture of one problem: ``width`` and ``cells`` where the space has
    them, ``macs``, ``params``, ``global_share`` (of its places, in [0, 1]), and how often each operation stands in it
    (of the blocks of a stage that names one: once). Where there are many operations, those are one that differ in a
    number or in what is behind a plus alone.

    Examples:
        >>> from search_space import sample
        >>> summary(sample("darts-global", 0, image=(1, 8, 8), width=4, cells=2, primitives=["global_3", "sep_conv_3x3"]))
        {'width': 4, 'cells': 2, 'macs': 192320, 'params': 5470, 'global_share': 0.625, 'global_3': 10, 'sep_conv_3x3': 6}
    """
    size = {**genotype.settings, **genotype.architecture, **_object(genotype.architecture.get("size"))}
    cost, share = genotype.cost(), global_share(genotype.architecture)
    operations = _operations(genotype)
    called = {name: name if len(operations) <= _MOST else _kind(name) for name in operations}
    held = Counter(called.get(name) for names in places(genotype.architecture) for name in names)
    return {
        **{name: size[name] for name in _SIZES if type(size.get(name)) in (int, float)},
        "macs": cost.macs,
        "params": cost.params,
        "global_share": 0.0 if share is None else round(share, 4),
        **{name: held[name] for name in called.values()},
    }


def _operations(genotype: Genotype) -> list[str]:
    """What may stand at a place, in the order in which the space's decisions name it."""
    decisions = get_space(genotype.space).decisions(genotype.problem)
    named = (option for decision in decisions for option in decision.options if isinstance(option, str))
    return [name for name in dict.fromkeys(named) if name != NOTHING]


def _kind(operation: str) -> str:
    """``global_advection_5+basic_block`` is a ``global_advection``."""
    return re.sub(r"(_\d+)+$", "", operation.split("+")[0])


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
