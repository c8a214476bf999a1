"""A user's strategy of NNI's over our spaces: asked, told, given as an object, and refused where it cannot be."""

from __future__ import annotations

import statistics

import pytest
from nni.nas.strategy import TPE, GridSearch, Random, RegularizedEvolution
from nni.nas.strategy.base import Strategy
from nni.nas.strategy.middleware import Chain, Deduplication

from records.errors import UserError
from search_space import Genotype, Problem
from strategies.contract import SpaceExhausted
from strategies.multi_trial.nni_strategy import NniSettings, NniStrategy
from strategies.multi_trial.random_search import RandomSearch
from strategies.nni_side.users import settings_of
from tests.strategies.table import PROBLEM, play


def made(given, problem=PROBLEM, **more) -> NniStrategy:
    strategy = NniStrategy(problem, 0, NniSettings(settings_of(given)["nni_strategy"]), **more)
    strategy.take(given)
    return strategy


def evolution():
    return RegularizedEvolution(population_size=10, sample_size=5, seed=3)


class Batches(Strategy):
    """Submits two models and waits for both."""

    def __init__(self) -> None:
        super().__init__()
        self.metrics = []

    def _run(self):
        import numpy as np

        state = np.random.RandomState(0)
        while self.wait_for_resource():
            models = [self.model_space.random(random_state=state) for _ in range(2)]
            self.engine.submit_models(*models)
            self.engine.wait_models(*models)
            self.metrics.append([model.metric for model in models])


class Broken(Batches):
    def _run(self):
        raise ZeroDivisionError("as it is")


class Short(Random):
    def _run(self):
        self.wait_for_resource()
        self.engine.submit_models(self.random(self.model_space))


def test_nnis_evolution_learns_from_what_it_is_told():
    ends = [
        statistics.mean(m.accuracy for m in play(made(evolution()), 80, at_once=2)[-10:]) for _ in range(2)
    ]
    assert ends[0] == ends[1] > 2 / 13  # chance: 1 / 13, see test_evolution.py


def test_nnis_tpe_is_told_as_by_nni():
    given = TPE(optimize_mode="maximize", seed=2, tpe_args={"n_startup_jobs": 5})
    results = play(made(given), 8, at_once=2)
    assert len({Genotype.from_json(m.genotype).key() for m in results}) == 8


def test_the_object_is_not_used_up():
    given = Random(seed=1)
    first = [m.genotype for m in play(made(given), 5)]
    assert [m.genotype for m in play(made(given), 5)] == first


def test_grid_search_ends_where_the_space_ends():
    tiny = Problem(
        "darts-global", {"width": 4, "cells": 1, "nodes": 1, "primitives": ["skip_connect"]}, (1, 8, 8), 10
    )
    results = []
    with pytest.raises(
        SpaceExhausted, match="no architecture of darts-global is left: NNI's strategy GridSearch has"
    ):
        play(made(GridSearch(seed=0), tiny), 9, results=results)
    assert len({Genotype.from_json(m.genotype).key() for m in results}) == len(results) == 3


def test_one_that_waits_is_told_before_it_is_asked():
    strategy = made(Batches())
    assert len(play(strategy, 7)) == 7
    with pytest.raises(
        UserError, match="Batches waits for the results of candidates .*; accepted: --concurrency 1"
    ):
        play(made(Batches()), 7, at_once=2)


def test_one_that_fails_is_told_in_a_line():
    with pytest.raises(UserError, match=r"NNI's strategy Broken failed: ZeroDivisionError\('as it is'\)"):
        made(Broken()).propose(0, [])


def test_one_that_ends_early_ends_the_search():
    strategy = made(Short())
    strategy.propose(0, [])
    with pytest.raises(SpaceExhausted, match="NNI's strategy Short has ended"):
        strategy.propose(1, [])


def test_a_model_above_the_budget_is_led_into_it_and_is_the_strategys():
    budget = sorted(m.macs for m in play(RandomSearch(PROBLEM, 0), 40))[4]
    strategy = made(evolution(), max_macs=budget)
    results = play(strategy, 30)
    assert max(m.macs for m in results) <= budget


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nni.nas.strategy:None_such", "has no attribute 'None_such'; accepted: MODULE:CLASS"),
        ("no_such_module:X", "No module named 'no_such_module'"),
        ("random:Random", "it is no nni.nas.strategy.base.Strategy"),
        ("Random", "accepted: MODULE:CLASS"),
    ],
)
def test_a_name_that_leads_to_none_is_refused(name, said):
    with pytest.raises(UserError, match=said):
        NniStrategy(PROBLEM, 0, NniSettings(name)).propose(0, [])


def test_a_name_that_leads_to_a_one_shot_strategy_is_refused_with_what_runs_it():
    with pytest.raises(
        UserError,
        match=r"^nni_strategy is .*:DARTS, a one-shot one, .* run by --strategy nni-one-shot --nni-one-shot .*:DARTS$",
    ):
        NniStrategy(PROBLEM, 0, NniSettings("nni.nas.strategy:DARTS")).propose(0, [])


def test_a_chain_of_nnis_is_asked_like_any_other():
    assert len(play(made(Chain(evolution(), Deduplication("replay"))), 8)) == 8


def test_an_object_is_needed_where_one_was_given_and_nowhere_else():
    settings = NniSettings(settings_of(evolution())["nni_strategy"])
    with pytest.raises(
        UserError, match=r"an object; accepted from Python alone: pde_nas.resume\(RUN, strategy=...\)"
    ):
        NniStrategy(PROBLEM, 0, settings).take(None)
    with pytest.raises(
        UserError, match="strategy is a nni.nas.strategy.bruteforce:Random; accepted: as in the run"
    ):
        NniStrategy(PROBLEM, 0, settings).take(Random())
    with pytest.raises(UserError, match="strategy random takes no strategy of NNI's; accepted: strategy nni"):
        RandomSearch(PROBLEM, 0).take(Random())
