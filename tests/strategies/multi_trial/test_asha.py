"""Successive halving: the rungs, who is promoted, and that the best are the ones trained wholly."""

from __future__ import annotations

import dataclasses
import statistics

import pytest

from strategies.contract import Stage
from strategies.multi_trial.asha import Asha, AshaSettings
from tests.strategies.table import PROBLEM, judged, play, worth


@pytest.mark.parametrize(
    ("own", "epochs", "rungs"),
    [
        ({}, 9, [(1, 1.0), (3, 1.0), (9, 1.0)]),
        ({}, 10, [(1, 1.0), (3, 1.0), (9, 1.0), (10, 1.0)]),
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
    strategy = Asha(PROBLEM, 0, AshaSettings(eta=2), epochs=4)  # rungs 1, 2, 4
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
    results = play(Asha(PROBLEM, 0, epochs=9), 60, at_once=3)
    assert {(m.epochs, m.status) for m in results} == {(1, "partial"), (3, "partial"), (9, "ok")}
    counts = [sum(m.epochs == epochs for m in results) for epochs in (1, 3, 9)]
    assert counts[0] // 3 - 2 <= counts[1] <= counts[0] // 3
    assert counts[1] // 3 - 2 <= counts[2] <= counts[1] // 3


def test_what_is_trained_wholly_is_better_than_what_began():
    wholes, beginnings = [], []
    for seed in range(5):
        results = play(Asha(PROBLEM, seed, epochs=9), 60)
        wholes += [m.accuracy for m in results if m.status == "ok"]
        beginnings += [m.accuracy for m in results if m.epochs == 1]
    assert statistics.mean(wholes) > 1.5 * statistics.mean(beginnings)


def test_failed_ones_are_not_promoted():
    strategy, results = Asha(PROBLEM, 0, epochs=9), []
    for index in range(40):
        genotype = strategy.propose(index, results)
        results.append(judged(strategy, index, genotype, None if index % 2 else worth(genotype)))
    assert any(m.continues is not None for m in results)
    assert all(results[m.continues].status == "partial" for m in results if m.continues is not None)
