"""Sampling and mutation."""

import collections
import random

import pytest

from search_space import Problem, UserError, get_space, mutate, sample
from search_space.sampling import random_genotype


def test_a_problems_sample_is_that_of_its_parts():
    problem = Problem("darts-global", {"width": 4}, (1, 8, 8), 3)
    assert random_genotype(problem, 5) == sample("darts-global", 5, image=(1, 8, 8), classes=3, width=4)


def test_every_option_of_every_decision_is_sampled_uniformly():
    space = get_space("darts-global")
    counts = collections.Counter()
    for seed in range(2000):
        genotype = sample("darts-global", seed, nodes=1, primitives=["skip_connect", "global_1", "global_3"])
        counts.update(primitive for primitive, _ in genotype.architecture["normal"][0])
    assert space.name == "darts-global"
    for name in ("skip_connect", "global_1", "global_3"):  # mean 4000 / 3, standard deviation 30
        assert counts[name] == pytest.approx(4000 / 3, abs=120)


def test_mutation_changes_one_edge_in_its_primitive_or_its_input():
    rng = random.Random(0)
    genotype = sample("darts-global", 0)
    for _ in range(200):
        mutated = mutate(genotype, rng)
        assert mutated.settings == genotype.settings
        removed = added = 0
        for kind, nodes in genotype.architecture.items():
            for old, new in zip(nodes, mutated.architecture[kind], strict=True):
                before, after = (collections.Counter(map(tuple, pairs)) for pairs in (old, new))
                removed += (before - after).total()
                added += (after - before).total()
        assert (removed, added) == (1, 1)
        genotype = mutated


def test_mutation_is_the_same_for_the_same_generator():
    genotype = sample("darts-global", 0)
    assert mutate(genotype, random.Random(7)) == mutate(genotype, random.Random(7))


def test_a_space_of_one_architecture_cannot_be_mutated():
    genotype = sample("darts-global", 0, nodes=1, inputs=1, cells=1, primitives=["global_1"])
    changed = mutate(genotype, random.Random(0))  # the input can still change
    assert changed.architecture != genotype.architecture


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"space": "mars"}, "space is 'mars'; accepted: darts-global"),
        ({"seed": -1}, "seed is -1; accepted"),
        ({"seed": 0.5}, "seed is 0.5; accepted"),
        ({"widht": 4}, "'widht' is no setting of darts-global; accepted: width"),
        ({"image": (3, 32)}, "image is .*; accepted"),
    ],
)
def test_what_cannot_be_sampled_is_named(arguments, message):
    with pytest.raises(UserError, match=message):
        sample(**{"space": "darts-global", "seed": 0, **arguments})
