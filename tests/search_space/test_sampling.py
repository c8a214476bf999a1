"""Sampling and mutation."""

import collections
import random

import pytest

from search_space import Problem, UserError, crossover, get_space, mutate, sample
from search_space.sampling import random_genotype, spread_genotypes


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


@pytest.mark.parametrize("space", ["resnet-global", "mobilenet-v2-global"])
def test_a_child_has_its_parents_decisions_by_group_or_one_by_one(space):
    first, second = sample(space, 1), sample(space, 2)
    known = get_space(space)
    parents = [known.choices(parent.problem, parent.architecture) for parent in (first, second)]

    def groups_of_one_parent(whole: float) -> list[bool]:
        """Of each group of 20 children, whether one parent alone explains it."""
        found = []
        for seed in range(20):
            child = crossover(first, second, random.Random(seed), whole=whole)
            groups: dict[str, list[set[int]]] = {}
            for label, option in known.choices(child.problem, child.architecture).items():
                heirs = {i for i, parent in enumerate(parents) if parent[label] == option}
                assert heirs
                groups.setdefault(label.split("/")[0], []).append(heirs)
            found += [bool(set.intersection(*group)) for group in groups.values()]
        return found

    assert all(groups_of_one_parent(whole=1.0))
    assert not all(groups_of_one_parent(whole=0.0))


def test_a_cell_is_inherited_whole():
    first, second = sample("darts-global", 1), sample("darts-global", 2)
    children = [crossover(first, second, random.Random(seed), whole=1.0) for seed in range(20)]
    kinds = {
        tuple(child.architecture[k] == first.architecture[k] for k in first.architecture)
        for child in children
    }
    assert kinds == {(True, True), (True, False), (False, True), (False, False)}
    for child in children:
        for kind, nodes in child.architecture.items():
            assert nodes in (first.architecture[kind], second.architecture[kind])


def test_parents_of_two_problems_have_no_child():
    with pytest.raises(UserError, match="crossover of a genotype of darts-global and one of resnet-global"):
        crossover(sample("darts-global", 0), sample("resnet-global", 0), random.Random(0))


def test_the_same_chance_gives_the_same_child():
    first, second = sample("darts-global", 1), sample("darts-global", 2)
    children = {crossover(first, second, random.Random(5)).key() for _ in range(3)}
    assert len(children) == 1


def test_spread_genotypes_reach_from_end_to_end():
    problem = Problem("tiny-global", {}, (3, 32, 32), 10)
    found = spread_genotypes(problem, 6, random.Random(0))
    macs = [genotype.cost().macs for genotype in found]
    assert macs[0] == min(macs)
    assert macs[1] == max(macs)
    assert len(set(macs)) == 6
    assert [g.key() for g in spread_genotypes(problem, 6, random.Random(0))] == [g.key() for g in found]
    changed = spread_genotypes(problem, 6, random.Random(0), lambda drawn: mutate(drawn, random.Random(1)))
    assert {g.key() for g in changed}.isdisjoint(g.key() for g in found)
