"""Random genotypes: drawn from all of a problem, by a small change to one, or of two by inheritance."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from records.checks import whole_number
from records.errors import UserError
from search_space.genotype import Genotype
from search_space.problem import Image, Problem
from search_space.space import get_space

_SPREAD = 4  # times as many are drawn as are spread


def sample(
    space: str, seed: int, *, image: Image = (3, 32, 32), classes: int = 10, **settings: Any
) -> Genotype:
    """A random genotype: every decision uniform and independent; the same for the same arguments everywhere.

    ``settings`` are the space's by name. Raises ``UserError``.
    """
    known = get_space(space)
    named = known.settings_json(known.make_settings(settings))
    return random_genotype(Problem(space, named, image, classes), seed)


def random_genotype(problem: Problem, seed: int) -> Genotype:
    """``sample`` for a problem. Raises ``UserError``."""
    # Seeded by text: Python hashes it with SHA-512, the same in every process.
    rng = random.Random(f"{problem.space} {whole_number('seed', seed, 0, 2**63 - 1)}")
    decisions = get_space(problem.space).decisions(problem)
    return Genotype.of_choices(problem, {d.label: rng.choice(d.options) for d in decisions})


def spread_genotypes(
    problem: Problem,
    count: int,
    rng: random.Random,
    made: Callable[[Genotype], Genotype] = lambda genotype: genotype,
) -> list[Genotype]:
    """Of four times as many random genotypes, each as ``made`` makes it, ``count`` that are evenly spread in the order of
    their MACs: the smallest, the largest, then the others in random order. ``count`` is 2 or more."""
    drawn = [made(random_genotype(problem, rng.randrange(2**31))) for _ in range(_SPREAD * count)]
    drawn.sort(key=lambda genotype: genotype.cost().macs)
    smallest, *between, largest = [drawn[round(i * (len(drawn) - 1) / (count - 1))] for i in range(count)]
    rng.shuffle(between)
    return [smallest, largest, *between]


def mutate(genotype: Genotype, rng: random.Random) -> Genotype:
    """``genotype`` with one decision, drawn among those that it depends on and that have another option, changed.

    What the change brings in, such as a block more, is drawn at random. Raises ``UserError`` where the problem has
    one architecture alone.
    """
    problem = genotype.problem
    space = get_space(problem.space)
    choices = space.choices(problem, genotype.architecture)
    decisions, idle = space.decisions(problem), space.idle(problem, genotype.architecture)
    open_ones = [d for d in decisions if len(d.options) > 1 and d.label not in idle]
    if not open_ones:
        raise UserError(
            f"space {space.name} with these settings has one architecture; nothing can be mutated"
        )
    decision = rng.choice(open_ones)
    others = [option for option in decision.options if option != choices[decision.label]]
    drawn = {d.label: rng.choice(d.options) for d in decisions if d.label in idle}
    return Genotype.of_choices(problem, {**choices, **drawn, decision.label: rng.choice(others)})


def crossover(first: Genotype, second: Genotype, rng: random.Random, *, whole: float = 0.5) -> Genotype:
    """A child of two genotypes of one problem: each of its decisions is one of theirs.

    Decisions of one group, a cell or a stage, have labels that begin alike up to the first slash
    (``normal/op_2_0``, ``stage1/width``). With probability ``whole``, in [0, 1], each group is inherited whole from
    one of the parents; else each decision by itself. Both parents are equally likely. What one parent lacks, such as
    a block of a deeper stage, comes from the other.

    Raises ``UserError`` where the parents are of different problems.
    """
    problem = first.problem
    if second.problem != problem:
        raise UserError(
            f"crossover of a genotype of {first.space} and one of {second.space}; accepted: two of the same "
            "space, settings, image and classes"
        )
    space = get_space(problem.space)
    parents = [space.choices(problem, parent.architecture) for parent in (first, second)]
    idle = [space.idle(problem, parent.architecture) for parent in (first, second)]
    by_group = rng.random() < whole
    of_group: dict[str, int] = {}
    chosen: dict[str, Any] = {}
    for decision in space.decisions(problem):
        group = decision.label.split("/")[0] if by_group else decision.label
        if group not in of_group:
            of_group[group] = rng.randrange(2)
        parent = of_group[group]
        if decision.label in idle[parent] - idle[1 - parent]:
            parent = 1 - parent
        chosen[decision.label] = parents[parent][decision.label]
    return Genotype.of_choices(problem, chosen)
