"""Evolution is better than chance on a known table, and its settings do what they say."""

import random
import statistics

import pytest

from search_space.sampling import random_genotype
from strategies.multi_trial.evolution import Evolution, EvolutionSettings
from strategies.multi_trial.random_search import RandomSearch
from tests.strategies.table import PROBLEM, play, result


def test_evolution_finds_better_ones_than_chance():
    ends = {
        kind: [statistics.mean(m.accuracy for m in play(kind(PROBLEM, seed), 60)[-10:]) for seed in range(6)]
        for kind in (RandomSearch, Evolution)
    }
    # Chance draws one primitive in thirteen; three times that is far outside what its seeds give.
    assert statistics.mean(ends[RandomSearch]) == pytest.approx(1 / 13, abs=0.05)
    assert statistics.mean(ends[Evolution]) > 3 / 13


def test_the_penalty_leads_evolution_to_cheaper_ones():
    def mean_macs(penalty):
        return statistics.mean(
            m.macs for m in play(Evolution(PROBLEM, 0, EvolutionSettings(mac_penalty=penalty)), 60)[-15:]
        )

    assert mean_macs(10.0) < 0.9 * mean_macs(0.0)


def test_failed_candidates_are_never_parents():
    evolution = Evolution(PROBLEM, 0, EvolutionSettings(population=4, tournament=4))
    rng = random.Random(0)
    good = random_genotype(PROBLEM, 0)
    results = [result(0, good, 0.1)] + [result(i, random_genotype(PROBLEM, i), None) for i in range(1, 6)]
    child = evolution.draw(rng, results)
    difference = sum(
        a != b
        for cell in good.architecture
        for nodes in zip(good.architecture[cell], child.architecture[cell], strict=True)
        for a, b in zip(*nodes, strict=True)
    )
    assert 1 <= difference <= 2  # one pair changed, or one that also changed its place
