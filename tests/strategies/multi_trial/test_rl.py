"""NNI's PolicyBasedRL learns from results; without its part of the installation one line says what to install."""

from __future__ import annotations

import pytest

from search_space import get_space
from search_space.sampling import random_genotype
from strategies.multi_trial.rl import Rl, RlSettings
from tests.strategies.table import PROBLEM, result

installed = pytest.mark.skipif(bool(Rl.missing()), reason="the part `rl` is not installed")


@installed
def test_its_policy_turns_to_what_is_rewarded():
    space, label = get_space(PROBLEM.space), "normal/op_2_0"
    drawn = [random_genotype(PROBLEM, seed) for seed in range(60)]
    convolution = [
        float("conv" in space.choices(PROBLEM, genotype.architecture)[label]) for genotype in drawn
    ]
    shown = [
        result(i, genotype, good) for i, (genotype, good) in enumerate(zip(drawn, convolution, strict=True))
    ]

    def share(results):
        strategy = Rl(PROBLEM, 0, RlSettings(update_every=20))
        chosen = [strategy.propose(60 + i, results) for i in range(40)]
        return sum("conv" in space.choices(PROBLEM, g.architecture)[label] for g in chosen) / 40

    assert share(shown) > share([]) + 0.1


@installed
def test_the_weights_are_those_of_the_results():
    import torch

    drawn = [random_genotype(PROBLEM, seed) for seed in range(20)]
    results = [result(i, genotype, i / 20) for i, genotype in enumerate(drawn)]
    at_once, one_by_one = Rl(PROBLEM, 0), Rl(PROBLEM, 0)
    at_once.propose(20, results)
    for index in range(21):
        one_by_one.propose(index, results[:index])
    weights = [each._generator.policy.state_dict() for each in (at_once, one_by_one)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
