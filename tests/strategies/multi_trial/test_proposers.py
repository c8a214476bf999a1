"""Proposers: reproducible, within the budget, and evolution better than chance on a known table."""

import random
import statistics

import pytest

from records.errors import UserError
from records.measurement import Measurement
from search_space import Genotype
from strategies.multi_trial.proposers import Evolution, Proposer, RandomSearch, Subject

SUBJECT = Subject("darts-global", {"width": 4, "cells": 3, "nodes": 2}, (1, 8, 8), 10)
PROPOSERS = [RandomSearch, Evolution]


def result(index: int, genotype: Genotype, accuracy: float | None) -> Measurement:
    cost = genotype.cost()
    return Measurement(
        index=index, genotype=genotype.to_json(), status="failed" if accuracy is None else "ok",
        accuracy=accuracy, macs=cost.macs, macs_published=cost.macs_published, params=cost.params,
        seconds=1.0, seed=0,
    )  # fmt: skip


def worth(genotype: Genotype) -> float:
    """A table of accuracies with a known best: the share of operations that are separable 3x3."""
    pairs = [pair for nodes in genotype.architecture.values() for node in nodes for pair in node]
    return sum(primitive == "sep_conv_3x3" for primitive, _ in pairs) / len(pairs)


def play(proposer: Proposer, trials: int) -> list[Measurement]:
    results: list[Measurement] = []
    for index in range(trials):
        genotype = proposer.propose(index, results)
        results.append(result(index, genotype, worth(genotype)))
    return results


@pytest.mark.parametrize("kind", PROPOSERS)
def test_the_same_seed_proposes_the_same(kind):
    first, again, other = (
        [m.genotype for m in play(kind(SUBJECT, seed), 25)] for seed in (1, 1, 2)
    )  # fmt: skip
    assert first == again
    assert first != other


@pytest.mark.parametrize("kind", PROPOSERS)
def test_no_architecture_is_proposed_twice(kind):
    keys = [Genotype.from_json(m.genotype).key() for m in play(kind(SUBJECT, 0), 40)]
    assert len(set(keys)) == 40


@pytest.mark.parametrize("kind", PROPOSERS)
def test_all_stay_within_the_budget(kind):
    macs = sorted(m.macs for m in play(RandomSearch(SUBJECT, 0), 40))
    budget = macs[0] - (macs[-1] - macs[0]) // 10  # below all that chance found
    assert max(m.macs for m in play(kind(SUBJECT, 0, max_macs=budget), 15)) <= budget


def test_a_budget_that_nothing_meets_names_the_smallest():
    with pytest.raises(UserError, match=r"at most 1,000 MACs was found; the smallest has [\d,]+: raise"):
        RandomSearch(SUBJECT, 0, max_macs=1000).propose(0, [])


def test_evolution_finds_better_ones_than_chance():
    ends = {
        kind: [statistics.mean(m.accuracy for m in play(kind(SUBJECT, seed), 60)[-10:]) for seed in range(6)]
        for kind in PROPOSERS
    }
    # Chance draws one primitive in thirteen; three times that is far outside what its seeds give.
    assert statistics.mean(ends[RandomSearch]) == pytest.approx(1 / 13, abs=0.05)
    assert statistics.mean(ends[Evolution]) > 3 / 13


def test_the_penalty_leads_evolution_to_cheaper_ones():
    def mean_macs(penalty):
        return statistics.mean(m.macs for m in play(Evolution(SUBJECT, 0, mac_penalty=penalty), 60)[-15:])

    assert mean_macs(10.0) < 0.9 * mean_macs(0.0)


def test_failed_candidates_are_never_parents():
    evolution = Evolution(SUBJECT, 0, population=4, tournament=4)
    rng = random.Random(0)
    good = SUBJECT.sample(0)
    results = [result(0, good, 0.1)] + [result(i, SUBJECT.sample(i), None) for i in range(1, 6)]
    child = evolution.draw(rng, results)
    difference = sum(
        a != b
        for cell in good.architecture
        for nodes in zip(good.architecture[cell], child.architecture[cell], strict=True)
        for a, b in zip(*nodes, strict=True)
    )
    assert 1 <= difference <= 2  # one pair changed, or one that also changed its place


def test_a_space_that_is_used_up_repeats_itself():
    tiny = Subject(
        "darts-global", {"width": 4, "cells": 1, "nodes": 1, "inputs": 1, "primitives": ["skip_connect"]},
        (1, 8, 8), 10,
    )  # fmt: skip
    keys = [RandomSearch(tiny, 0).propose(i, []).key() for i in range(4)]
    assert 1 <= len(set(keys)) <= 2
