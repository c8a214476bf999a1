"""Several objectives at once: non-dominated ranks and crowding of measurements, as NSGA-II has them.

Sorting is DEAP's. It is imported where it is used: `--help` and trials do not wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from records.checks import shown
from records.errors import UserError
from records.measurement import Measurement
from records.options import option

# By name, whether more of it is better.
_FRONT = ("accuracy", "macs")
OBJECTIVES = {"accuracy": True, "macs": False, "params": False, "latency": False}


@dataclass(frozen=True)
class Ranked:
    """A measurement with its place: ``rank`` from 0 (no other dominates it), ``crowding`` the larger the lonelier."""

    measurement: Measurement
    rank: int
    crowding: float

    @property
    def order(self) -> tuple[int, float]:
        """Smaller is better."""
        return self.rank, -self.crowding


def parse_objectives(text: str) -> tuple[str, ...]:
    """The names in a text with commas. Raises `UserError` for one that is unknown or named twice.

    Examples:
        >>> parse_objectives("accuracy, macs")
        ('accuracy', 'macs')
    """
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in OBJECTIVES or names.count(name) > 1:
            raise UserError(f"objectives is {shown(text)}; accepted: each once, of {', '.join(OBJECTIVES)}")
    return names


def objectives_option() -> Any:
    """The setting `--objectives`, alike in every strategy that has it."""
    return option(
        "accuracy,macs",
        "what is made better at the same time, two or more of accuracy, macs, params, latency (asha: or accuracy)",
        metavar="NAMES",
    )  # fmt: skip


def require_several(text: str) -> tuple[str, ...]:
    """`parse_objectives` of two or more. Raises `UserError` for one."""
    return _unless_one(parse_objectives(text), text, "")


def require_accuracy_or_several(text: str) -> tuple[str, ...]:
    """`parse_objectives` of two or more, or of accuracy alone. Raises `UserError` for another one."""
    names = parse_objectives(text)
    return names if names == ("accuracy",) else _unless_one(names, text, "accuracy alone, or ")


def _unless_one(names: tuple[str, ...], text: str, else_accepted: str) -> tuple[str, ...]:
    if len(names) < 2:
        raise UserError(
            f"objectives is {shown(text)}; accepted: {else_accepted}two or more, such as accuracy,macs"
        )
    return names


def usable(measurement: Measurement, names: Sequence[str]) -> bool:
    """Whether it was judged and has a value for each objective."""
    judged = measurement.status in ("ok", "partial")
    return judged and all(getattr(measurement, name) is not None for name in names)


def ranked(
    measurements: Sequence[Measurement], names: Sequence[str], *, bands: float = math.inf
) -> list[Ranked]:
    """The measurements, each `usable`, by rank, and within a rank in the order they came.

    A measurement dominates another if it is in no objective worse, and in one better. Source: Deb et al., "A fast
    and elitist multiobjective genetic algorithm: NSGA-II", 2002, sections III A and B. Where accuracies of unlike costs
    cannot be compared, ``bands`` is a ratio: from one power of it to the next the first cost counts as equal, and nobody
    dominates one of another band.
    """
    from deap.tools import emo

    individuals = [_Individual(m, _fitness(tuple(names), bands)) for m in measurements]
    found = []
    for rank, front in enumerate(emo.sortNondominated(individuals, len(individuals))):
        emo.assignCrowdingDist(front)
        place = {id(individual): individual for individual in front}
        for individual in individuals:
            if id(individual) in place:
                found.append(Ranked(individual.measurement, rank, individual.fitness.crowding_dist))
    return found


def survivors(
    measurements: Sequence[Measurement], count: int, names: Sequence[str], *, bands: float = math.inf
) -> list[Measurement]:
    """The best ``count``: by rank, then by crowding, then in the order they came; ``bands`` as in `ranked`."""
    best = sorted(ranked(measurements, names, bands=bands), key=lambda each: each.order)[:count]
    return [each.measurement for each in best]


def spread(
    judged: Sequence[Measurement],
    count: int,
    *,
    front_only: bool = False,
    names: Sequence[str] = _FRONT,
    bands: float = math.inf,
) -> list[Measurement]:
    """``count`` of the judged ones: first the most accurate, then always the one of the front of ``names`` whose costs
    (MACs, unless others are named) are farthest, as a ratio, from those of all that were taken; where the front has no
    more, and not ``front_only``, the next best by non-dominated rank. ``bands`` is as in `ranked`: the first is then that
    of the dearest band."""
    places = ranked(judged, names, bands=bands)
    front = [each.measurement for each in places if each.rank == 0]
    others = [each.measurement for each in sorted(places, key=lambda each: each.order) if each.rank > 0]
    costs = _costs(names)
    first = max(front, key=lambda m: (_band(getattr(m, costs[0]), bands), m.accuracy or 0.0), default=None)
    taken = [first] if first is not None and count > 0 else []
    left = [each for each in front if each is not first]
    while left and len(taken) < count:
        best = max(left, key=lambda m: _gap(m, taken, costs))
        taken.append(best)
        left.remove(best)
    return taken if front_only else [*taken, *others[: count - len(taken)]]


def _costs(names: Sequence[str]) -> list[str]:
    return [name for name in names if not OBJECTIVES[name]]


def _band(cost: float, bands: float) -> int:
    """Its number, the higher the dearer; with ``bands`` infinite there is one."""
    return 0 if bands == math.inf else math.floor(math.log(max(cost, 1e-9)) / math.log(bands))


def _gap(measurement: Measurement, taken: Sequence[Measurement], costs: Sequence[str]) -> float:
    return min(
        max(abs(math.log(getattr(measurement, name) / getattr(other, name))) for name in costs)
        for other in taken
    )


class _Individual:
    """A measurement as DEAP sees it."""

    def __init__(self, measurement: Measurement, fitness: type) -> None:
        self.measurement = measurement
        self.fitness: Any = fitness([getattr(measurement, name) for name in fitness.names])  # type: ignore[attr-defined]


@cache
def _fitness(names: tuple[str, ...], bands: float) -> type:
    """DEAP's fitness over the objectives."""
    from deap.base import Fitness

    inside: dict[str, Any] = {
        "weights": tuple(1.0 if OBJECTIVES[name] else -1.0 for name in names),
        "names": names,
    }
    if bands < math.inf:
        place = names.index(_costs(names)[0])
        others = [i for i in range(len(names)) if i != place]

        def dominates(self: Any, other: Any) -> bool:
            if _band(-self.wvalues[place], bands) != _band(-other.wvalues[place], bands):
                return False
            own, its = ([values.wvalues[i] for i in others] for values in (self, other))
            return own != its and all(one >= another for one, another in zip(own, its, strict=True))

        inside["dominates"] = dominates
    return type("ObjectivesFitness", (Fitness,), inside)
