"""Which networks of a supernet are trained from scratch: points of its front, and random ones to hold them against."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.files import write_whole
from records.measurement import Measurement
from records.run_files.shared_files import FRONT, LIKE, RANDOM, read_chosen_records
from search_space import Genotype, mutate
from search_space.genotype import recorded_genotype
from search_space.problem import Problem
from search_space.sampling import random_genotype
from strategies.budget import Budget
from strategies.objectives import spread

_REPEATS, _DRAWS, _STEPS, _NEAR = 5, 20, 200, 0.05


@dataclass(frozen=True)
class Chosen:
    """A network to train: of the ``front`` on shared weights, or ``random`` with about the MACs of one of these;
    ``accuracy`` is that on shared weights, in [0, 1]."""

    genotype: Genotype
    role: str
    accuracy: float

    def to_json(self) -> dict[str, Any]:
        return {"genotype": self.genotype.to_json(), "role": self.role, "accuracy": self.accuracy}


def random_likes(
    problem: Problem, models: Sequence[Measurement], count: int, seed: int, budget: Budget
) -> list[Genotype]:
    """``count`` random architectures, none of them a model's: each drawn, then mutated only as far as brings its MACs to
    within a twentieth of those of one of ``models``, which take turns from the middle of their MACs outwards. Fewer
    where the space has no more."""
    rng = random.Random(f"{seed} random")
    ordered = sorted(models, key=lambda m: m.macs)
    middle = (len(ordered) - 1) / 2
    turns = sorted(range(len(ordered)), key=lambda place: abs(place - middle))
    known = {Genotype.from_json(m.genotype).key() for m in models}
    found: list[Genotype] = []
    for _ in range(_REPEATS * count):
        if len(found) == count:
            break
        genotype = _like(problem, ordered[turns[len(found) % len(turns)]].macs, rng, budget)
        if genotype.key() not in known:
            known.add(genotype.key())
            found.append(genotype)
    return found


def _like(problem: Problem, macs: int, rng: random.Random, budget: Budget) -> Genotype:
    found: list[tuple[float, Genotype]] = []
    for _ in range(_DRAWS):
        genotype = random_genotype(problem, rng.randrange(2**31))
        off = _off(genotype, macs, budget)
        for _ in range(_STEPS):
            if off <= _NEAR and budget.allows(genotype.cost()):
                break
            other = mutate(genotype, rng)
            if _off(other, macs, budget) < off:
                genotype, off = other, _off(other, macs, budget)
        if budget.allows(genotype.cost()):
            found.append((off, genotype))
        if found and found[-1][0] <= _NEAR:
            break
    if not found:
        raise budget.error(problem.space, genotype.cost())
    return min(found, key=lambda each: each[0])[1]


def _off(genotype: Genotype, macs: int, budget: Budget) -> float:
    """By what share it is off the MACs, or above the budget if that is more: the parameters' may be the tighter one."""
    cost = genotype.cost()
    over = 0.0 if budget.unlimited else budget.excess(cost) - 1
    return max(abs(cost.macs / macs - 1), over)


def choose(
    judged: Sequence[Measurement],
    count: int,
    randoms: int,
    *,
    seed: int,
    budget: Budget,
    accuracy: Callable[[Genotype], float],
    names: Sequence[str] = ("accuracy", "macs"),
) -> list[Chosen]:
    """``count`` networks to train, the last ``randoms`` of them random, the others points of the front of the objectives
    ``names`` in bands of `LIKE` costs; ``accuracy`` judges these on shared weights."""
    best = spread(judged, max(1, count - randoms), names=names, bands=LIKE)
    chosen = [_of_front(measurement) for measurement in best]
    problem = chosen[0].genotype.problem
    for genotype in random_likes(problem, best, min(randoms, count - len(best)), seed, budget):
        chosen.append(Chosen(genotype, RANDOM, accuracy(genotype)))
    return chosen


def extended(
    chosen: Sequence[Chosen],
    judged: Sequence[Measurement],
    count: int,
    names: Sequence[str] = ("accuracy", "macs"),
) -> list[Chosen]:
    """``chosen``, and further points of the front up to ``count``, as far as there are any."""
    known = {each.genotype.key() for each in chosen}
    more = [
        _of_front(measurement) for measurement in spread(judged, count + len(chosen), names=names, bands=LIKE)
    ]
    new = [each for each in more if each.genotype.key() not in known]
    return [*chosen, *new[: count - len(chosen)]]


def _of_front(measurement: Measurement) -> Chosen:
    assert measurement.accuracy is not None  # it was judged
    return Chosen(Genotype.from_json(measurement.genotype), FRONT, measurement.accuracy)


def write_chosen(path: Path, chosen: Sequence[Chosen]) -> None:
    write_whole(path, json.dumps([each.to_json() for each in chosen], indent=1) + "\n")


def read_chosen(path: Path) -> list[Chosen]:
    """What `write_chosen` wrote. Raises `UserError` for a damaged file."""
    return [
        Chosen(recorded_genotype(r.genotype, f"{path}, network {place}", path.parent), r.role, r.accuracy)
        for place, r in enumerate(read_chosen_records(path))
    ]
