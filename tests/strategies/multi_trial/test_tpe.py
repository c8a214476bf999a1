"""NNI's TPE finds better ones than chance on a known table, and sees what it is shown."""

from __future__ import annotations

import random
import statistics

import pytest

from records.errors import UserError
from search_space.sampling import random_genotype
from strategies.multi_trial.tpe import Tpe, TpeSettings
from tests.strategies.table import PROBLEM, play, result, worth


def test_it_finds_better_ones_than_chance():
    ends = [statistics.mean(m.accuracy for m in play(Tpe(PROBLEM, seed), 50)[-10:]) for seed in range(4)]
    assert statistics.mean(ends) > 1.8 / 13  # chance: 1 / 13, see test_evolution.py


def test_it_models_nothing_before_its_startup():
    settings = TpeSettings(startup=30)
    shown = [result(i, g := random_genotype(PROBLEM, i), worth(g)) for i in range(30)]
    late = Tpe(PROBLEM, 0, settings).propose(3, shown[:29])
    assert late == Tpe(PROBLEM, 0, settings).propose(3, [])
    assert Tpe(PROBLEM, 0, settings).propose(3, shown) != late


def test_failed_candidates_are_left_out():
    failed = [result(i, random_genotype(PROBLEM, i), None) for i in range(30)]
    strategy = Tpe(PROBLEM, 0, TpeSettings(startup=2))
    assert strategy.draw(random.Random(1), failed) == Tpe(PROBLEM, 0).draw(random.Random(1), [])


def test_with_the_least_startup_it_models_from_the_second_result_on():
    with pytest.raises(UserError, match=r"startup is 1; accepted: .*2"):
        TpeSettings(startup=1)
    assert len(play(Tpe(PROBLEM, 0, TpeSettings(startup=2)), 12)) == 12


@pytest.mark.parametrize("better", ["sep_conv_3x3", "global_1"])
def test_the_option_of_the_good_ones_comes_back(better):
    drawn = [random_genotype(PROBLEM, i) for i in range(300)]

    def share(genotype):
        pairs = [pair for nodes in genotype.architecture.values() for node in nodes for pair in node]
        return sum(primitive == better for primitive, _ in pairs) / len(pairs)

    strategy = Tpe(PROBLEM, 0)
    shown = [result(i, genotype, share(genotype)) for i, genotype in enumerate(drawn)]
    found = [share(strategy.propose(i, shown)) for i in range(300, 320)]
    assert statistics.mean(found) > 2 * statistics.mean(map(share, drawn))
