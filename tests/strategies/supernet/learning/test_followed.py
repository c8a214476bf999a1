"""Supernets that NNI's own one-shot strategies, or a user's, train: kept and gone on with as ours are."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
import torch
from nni.nas.oneshot.pytorch.differentiable import DartsLightningModule
from nni.nas.strategy import DARTS, ENAS, GumbelDARTS, RandomOneShot

from records.errors import UserError
from strategies.budget import Budget
from strategies.extras import RL
from strategies.one_shot.nni_one_shot import NniOneShot
from strategies.supernet import keeper
from strategies.supernet.distribution import CellDistribution
from strategies.supernet.learning import followed
from strategies.supernet.learning.followed_enas import OneAfterTheOther
from tests.strategies.kills import killed
from tests.strategies.supernet.toy import SETTINGS, same, search, toy_table, without_seconds
from training.data.loading import load_data

needs_rl = pytest.mark.skipif(bool(RL.missing()), reason="the part `rl` is not installed")
TWO = dataclasses.replace(SETTINGS, epochs=2, batch_size=16)


class LastModule(DartsLightningModule):
    """Exports the last primitive everywhere, whatever it has learned."""

    def export(self):
        return {name: value[-1:] if "/input_" in name else "conv" for name, value in SAMPLE.items()}


SAMPLE = {
    f"normal/{label}_{node}_{k}": [0, 1] for node in (2, 3) for k in (0, 1) for label in ("op", "input")
}


class Mine(DARTS):
    """A user's own."""

    def configure_oneshot_module(self, training_module):
        return LastModule(training_module, arc_learning_rate=self.arc_learning_rate)


GIVEN = [
    lambda: DARTS(arc_learning_rate=0.05, gradient_clip_val=5.0),
    lambda: GumbelDARTS(arc_learning_rate=0.05, temperature=(1.0, 0.3)),
    RandomOneShot,
    pytest.param(lambda: ENAS(batches_per_update=3), marks=needs_rl),
    Mine,
]
IDS = ["darts", "gumbel", "random", "enas", "mine"]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """A controller takes a second for some ten of them."""
    monkeypatch.setattr(followed, "_DRAWS", 8)


@pytest.fixture(scope="module")
def digits():
    return load_data("digits", train_limit=160, validation=0.4, seed=0)


def run(folder, digits, given, **options):
    folder.mkdir(exist_ok=True)
    return search(folder, digits, options.pop("settings", TWO), strategy=NniOneShot, given=given, **options)


@pytest.mark.parametrize("make", GIVEN, ids=IDS)
def test_one_killed_and_resumed_is_as_if_it_had_not_been(make, tmp_path, digits):
    whole = run(tmp_path / "whole", digits, make())
    again = run(tmp_path / "again", digits, make())
    assert same(whole, again)
    for owner, what, call in (
        (torch.optim.SGD, "step", 4),
        (keeper, "save_checkpoint", 1),
        (torch.optim.SGD, "step", 9),
    ):
        killed(lambda: run(tmp_path / "part", digits, make()), owner, what, call)
    resumed = run(tmp_path / "part", digits, make())
    assert same(resumed, whole)
    assert resumed.derived == whole.derived
    assert without_seconds(resumed) == without_seconds(whole)
    assert [record["epoch"] for record in whole.records] == [1, 2]
    assert all(0 < record["loss"] < 4 and 0 <= record["default"] <= 1 for record in whole.records)


def test_a_users_module_says_what_is_derived(tmp_path, digits):
    state = run(tmp_path, digits, Mine())
    assert state.derived == [{"normal": [[["conv", 1], ["conv", 1]]] * 2}] * 2


class Broken(DARTS):
    def configure_oneshot_module(self, training_module):
        raise ZeroDivisionError("as it is")


def test_one_that_fails_is_told_in_a_line_and_its_stack_is_in_the_log(tmp_path, digits):
    with pytest.raises(UserError, match=r"^NNI's strategy Broken failed: ZeroDivisionError\('as it is'\)$"):
        run(tmp_path, digits, Broken())
    assert "in configure_oneshot_module" in (tmp_path / "search.log").read_text()


def test_what_is_exported_above_the_budget_gives_way(tmp_path, digits):
    table = toy_table()
    state = run(tmp_path, digits, Mine(), budget=Budget(table.smallest() + 1.0))
    assert [table.macs(each) for each in state.derived] == [table.smallest()] * 2


def test_its_own_learning_rate_is_what_learns(tmp_path, digits):
    slow, fast = (
        run(tmp_path / f"{rate}", digits, DARTS(arc_learning_rate=rate)).records[-1]["entropy"]
        for rate in (1e-6, 0.3)
    )
    assert fast < slow - 0.05


def test_the_object_is_not_used_up_and_chance_is_put_back(tmp_path, digits):
    given = RandomOneShot()
    random.seed(5), np.random.seed(5)
    first = run(tmp_path / "first", digits, given)
    drawn = random.random(), np.random.rand()
    random.seed(5), np.random.seed(5)
    assert drawn == (random.random(), np.random.rand())
    assert run(tmp_path / "second", digits, given).derived == first.derived


def test_shares_of_what_is_shown_are_the_distribution():
    table = toy_table()
    one = {name: [1] if "/input_" in name else "conv" for name in SAMPLE} | {
        "normal/input_2_0": [0],
        "normal/input_3_0": [2],
    }
    shown = CellDistribution(table, table.shown([one] * 1000))
    assert shown.derive()["normal"] == [[["conv", 0], ["conv", 1]], [["conv", 1], ["conv", 2]]]
    assert shown.expected_count("conv")["normal"] == pytest.approx(4.0, abs=0.01)


def test_batches_say_which_loader_they_are_from():
    loader = OneAfterTheOther("ab", "c")
    assert len(loader) == 3
    assert list(loader) == [("a", 0, 0), ("b", 1, 0), ("c", 0, 1)]
