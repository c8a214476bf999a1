"""Successive halving: the rungs, who is promoted, and that the best are the ones trained wholly."""

from __future__ import annotations

import dataclasses
import statistics

import pytest

from analysis.hypervolume import hypervolume
from search_space.problem import Problem
from strategies.contract import SpaceExhausted, Stage
from strategies.forecast import LEAST
from strategies.multi_trial.asha import Asha, AshaSettings
from strategies.multi_trial.random_search import RandomSearch
from tests.strategies.table import PROBLEM, begun, judged, play, worth


@pytest.mark.parametrize(
    ("own", "epochs", "rungs"),
    [
        ({}, 18, [(2, 1.0), (6, 1.0), (18, 1.0)]),
        ({}, 20, [(2, 1.0), (6, 1.0), (18, 1.0), (20, 1.0)]),
        ({"min_epochs": 1}, 9, [(1, 1.0), (3, 1.0), (9, 1.0)]),
        ({"min_epochs": 2, "eta": 2, "min_share": 0.3}, 8, [(2, 0.3), (4, 0.6), (8, 1.0)]),
        ({"min_epochs": 4}, 4, [(4, 1.0)]),
        ({"min_epochs": 5, "min_share": 0.1}, 4, [(4, 1.0)]),
    ],
)
def test_the_rungs_end_in_a_whole_training(own, epochs, rungs):
    found = Asha(PROBLEM, 0, AshaSettings(**own), epochs=epochs).rungs
    assert [e for e, _ in found] == [e for e, _ in rungs]
    assert [share for _, share in found] == pytest.approx([share for _, share in rungs])


def test_the_best_of_a_rung_goes_on_and_each_once():
    strategy = Asha(PROBLEM, 0, AshaSettings(min_epochs=1, eta=2), epochs=4)  # rungs 1, 2, 4
    results = []
    for index, (accuracy, macs) in enumerate(
        [(0.5, 50), (0.9, 10), (0.7, 70), (0.8, 80), (0.95, 40), (0.6, 90)]
    ):
        genotype = strategy.propose(index, results)
        found = dataclasses.replace(judged(strategy, index, genotype, accuracy), macs=macs)
        results.append(found)
    # 1 dominates 0 and goes on as 2. Of four in the lowest rung two may: 4 is the other one on their front.
    assert [(m.continues, m.epochs, m.status) for m in results] == [
        (None, 1, "partial"), (None, 1, "partial"), (1, 2, "partial"), (None, 1, "partial"), (None, 1, "partial"),
        (4, 2, "partial"),
    ]  # fmt: skip
    assert (results[2].genotype, results[5].genotype) == (results[1].genotype, results[4].genotype)
    # Of the two in the next rung, 2 dominates 5.
    strategy.propose(6, results)
    assert strategy.stage(6) == Stage(epochs=4, share=1.0, continues=2, whole=True)


def test_only_the_top_rung_is_whole():
    results = play(Asha(PROBLEM, 0, epochs=18), 45, at_once=3)
    assert {(m.epochs, m.status) for m in results} == {(2, "partial"), (6, "partial"), (18, "ok")}
    counts = [sum(m.epochs == epochs for m in results) for epochs in (2, 6, 18)]
    assert counts[0] // 3 - 2 <= counts[1] <= counts[0] // 3
    assert counts[1] // 3 - 2 <= counts[2] <= counts[1] // 3


def area(measurements) -> float:
    return hypervolume([(m.accuracy, m.macs) for m in measurements], (0.0, 400_000)) / 400_000


@pytest.fixture(scope="module")
def courses():
    return [play(Asha(PROBLEM, seed, epochs=18), 45) for seed in range(3)]


def test_what_is_trained_wholly_dominates_more_than_as_many_of_the_first_that_began(courses):
    wholes = [[m for m in results if m.status == "ok"] for results in courses]
    firsts = [results[: len(whole)] for results, whole in zip(courses, wholes, strict=True)]
    assert statistics.mean(map(area, wholes)) > 1.3 * statistics.mean(map(area, firsts))


def test_what_begins_dominates_more_than_what_chance_draws(courses):
    began = [[m for m in results if m.continues is None][:30] for results in courses]
    chance = [play(RandomSearch(PROBLEM, seed), 30) for seed in range(3)]
    assert {len(each) for each in began} == {30}
    assert statistics.mean(map(area, began)) > 1.15 * statistics.mean(map(area, chance))


def test_what_begins_before_there_is_a_forecast_is_spread_within_the_budget():
    limit = 120_000
    strategy = Asha(PROBLEM, 0, epochs=18, max_macs=limit)
    macs = [m.macs for m in play(strategy, LEAST, at_once=3)]
    assert max(macs) <= limit
    assert (macs[0], macs[1]) == (min(macs), max(macs))
    assert macs[1] > 1.5 * macs[0]


def test_with_accuracy_alone_it_goes_for_the_most_accurate():
    """And spends on it what is spent on the front otherwise."""

    def mean_worth(objectives: str) -> float:
        own = AshaSettings(objectives=objectives, min_epochs=6)
        courses = [play(Asha(PROBLEM, seed, own, epochs=6), 36) for seed in range(3)]
        return statistics.mean(m.accuracy for results in courses for m in results[12:])

    assert mean_worth("accuracy") > 1.3 * mean_worth("accuracy,macs")


def test_accuracy_alone_promotes_by_accuracy_whatever_it_costs():
    strategy, results = Asha(PROBLEM, 0, AshaSettings("accuracy", min_epochs=1, eta=3), epochs=3), []
    for index, (accuracy, macs) in enumerate([(0.5, 10), (0.9, 90), (0.7, 20)]):
        genotype = strategy.propose(index, results)
        results.append(dataclasses.replace(judged(strategy, index, genotype, accuracy), macs=macs))
    strategy.propose(3, results)
    assert strategy.stage(3) == Stage(epochs=3, share=1.0, continues=1, whole=True)


def test_where_nothing_is_left_to_begin_all_go_on_to_the_end():
    tiny = Problem(
        "darts-global", {"width": 4, "cells": 1, "nodes": 1, "inputs": 1, "primitives": ["skip_connect", "global_1"]},
        (1, 8, 8), 10,
    )  # fmt: skip
    strategy, results = Asha(tiny, 0, epochs=6), []
    with pytest.raises(SpaceExhausted, match="no architecture of darts-global is left"):
        play(strategy, 40, results=results)
    whole = [m for m in results if m.status == "ok"]
    assert len(begun(results)) == len(whole) == 4
    assert [m.epochs for m in results].count(2) == 4


def test_failed_ones_are_not_promoted():
    strategy, results = Asha(PROBLEM, 0, epochs=18), []
    for index in range(40):
        genotype = strategy.propose(index, results)
        results.append(judged(strategy, index, genotype, None if index % 2 else worth(genotype)))
    assert any(m.continues is not None for m in results)
    assert all(results[m.continues].status == "partial" for m in results if m.continues is not None)
