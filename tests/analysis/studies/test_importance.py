"""Importance against cases whose true shares of the variance are known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from analysis.front import front
from analysis.studies.importance import explained_share, importance, importances, near_front
from tests.analysis.studies.synthetic import by_macs, made_up_run


def test_shares_of_an_additive_function_are_those_of_its_variance():
    """y = 3 a + 2 b + c + noise of independent uniform a, b, c on 0..4, each of variance 2: 9, 4 and 1 parts of
    14 of the variance, but for the noise."""
    rng = np.random.default_rng(1)
    table = rng.integers(0, 5, (1000, 5)).astype(float)
    values = table[:, :3] @ [3.0, 2.0, 1.0] + rng.normal(0, 0.3, 1000)
    found = importance(table, list("abcde"), values, "accuracy")
    shares = {name: share for name, share, _ in found.shares}
    assert [name for name, _, _ in found.shares][:3] == ["a", "b", "c"]
    assert found.explained > 0.95
    for name, true in (("a", 9 / 14), ("b", 4 / 14), ("c", 1 / 14), ("d", 0), ("e", 0)):
        assert shares[name] == pytest.approx(true, abs=0.07), name


def test_of_noise_it_is_said_that_nothing_matters():
    rng = np.random.default_rng(0)
    found = importance(
        rng.integers(0, 3, (200, 6)).astype(float), list("abcdef"), rng.normal(size=200), "accuracy"
    )
    assert found.shares == ()
    assert "no decision is seen to matter" in found.reason


def test_of_few_or_equal_candidates_a_reason_is_told():
    table = np.zeros((29, 1))
    assert "29 candidates are too few" in importance(table, ["a"], np.arange(29.0), "accuracy").reason
    assert importance(np.zeros((50, 1)), ["a"], np.ones(50), "accuracy").reason == "they do not differ"
    assert all(each.reason for each in importances([]))


def test_width_is_found_to_decide_macs_and_an_operation_accuracy():
    run = made_up_run(240, lambda operations, width, macs: 0.4 + 0.05 * operations.count("skip_connect"))
    by_target = {(i.target, i.among): i for i in importances(run.measurements)}
    assert by_target["MACs", "all candidates"].shares[0][0] == "width"
    assert by_target["accuracy", "all candidates"].shares[0][0] == "skip_connect"
    assert by_target["accuracy", "candidates near the front"].candidates == 60


def test_those_near_the_front_hold_the_front_and_lack_least():
    run = made_up_run(100, lambda operations, width, macs: by_macs(macs), noise=0.05)
    near = near_front(run.measurements)
    assert len(near) == 25
    assert {m.index for m in front(run.measurements)} <= {m.index for m in near}


def test_the_explained_share_is_the_forests_own_score():
    chance = np.random.default_rng(0)
    table = chance.integers(0, 4, (80, 6)).astype(float)
    values = table @ np.arange(6) + chance.normal(size=80)
    forest = RandomForestRegressor(20, random_state=0).fit(table[:50], values[:50])
    found = explained_share(forest, table[50:], values[50:])
    assert found == pytest.approx(forest.score(table[50:], values[50:]), abs=1e-12)
    assert 0.1 < found < 1
