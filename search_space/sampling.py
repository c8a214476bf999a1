"""Random genotypes: drawn from all of a problem, or by a small change to one."""

from __future__ import annotations

import random
from typing import Any

from records.checks import whole_number
from records.errors import UserError
from search_space.genotype import Genotype
from search_space.problem import Image, Problem
from search_space.space import get_space


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
