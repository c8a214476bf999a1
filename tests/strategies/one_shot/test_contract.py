"""What every registered one-shot strategy keeps to; a new one is tested by being registered."""

import dataclasses
import functools
import json
import math

import pytest
import torch

from analysis.supernet import read_supernet
from records.run_files.kept_files import EPOCHS
from search_space import Genotype
from search_space.problem import Problem
from strategies.budget import Budget
from strategies.registry import get_strategy, strategy_names
from strategies.supernet import keeper
from strategies.supernet.candidates import propose
from strategies.supernet.distribution import CellDistribution
from tests.strategies.kills import killed
from tests.strategies.supernet.toy import same, search, toy_table, without_seconds
from training.data.loading import load_data

ONE_SHOT = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(bool(get_strategy(name).missing()), reason="what it needs is not installed"),
    )
    for name in strategy_names(one_shot=True)
]


# What learns by the penalty of its own object, and tells no loss of its architecture weights.
OF_NNI = ("nni-one-shot",)
OURS = [name for name in ONE_SHOT if name.values[0] not in OF_NNI]


# Of the toy's cells, which the architectures' keys need.
PROBLEM = Problem(
    "darts-global",
    {"width": 4, "cells": 2, "nodes": 2, "primitives": ["skip_connect", "sep_conv_3x3"]}, (1, 8, 8), 10,
)  # fmt: skip


def renamed(architecture):
    """A toy's architecture as one of `PROBLEM`."""
    names = {"skip": "skip_connect", "conv": "sep_conv_3x3"}
    nodes = [[[names[primitive], source] for primitive, source in node] for node in architecture["normal"]]
    return {"normal": nodes, "reduction": nodes}


@pytest.fixture(scope="module")
def digits():
    return load_data("digits", train_limit=160, validation=0.4, seed=0)


def settings_of(name, **changes):
    """The strategy's own, at learning rates at which a few steps show."""
    strategy = get_strategy(name)
    penalty = changes.pop("mac_penalty", 0.0)
    own = strategy.Settings(supernet_epochs=2, **({"mac_penalty": penalty} if penalty else {}))
    made = strategy.supernet(own, batch_size=16, seed=3, device="cpu")
    return dataclasses.replace(made, architecture_learning_rate=0.03, **changes)


def run(folder, digits, name, *, mac_penalty=0.0, seed=3, **options):
    folder.mkdir(exist_ok=True)
    settings = settings_of(name, mac_penalty=mac_penalty, seed=seed)
    return search(folder, digits, settings, strategy=get_strategy(name), **options)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, digits):
    @functools.cache
    def of(name):
        return run(tmp_path_factory.mktemp(name), digits, name)

    return of


@pytest.mark.parametrize("name", ONE_SHOT)
def test_the_same_seed_derives_the_same_and_another_learns_otherwise(name, tmp_path, digits, undisturbed):
    again = run(tmp_path / "again", digits, name)
    assert same(again, undisturbed(name))
    assert again.derived == undisturbed(name).derived
    assert without_seconds(again) == without_seconds(undisturbed(name))
    assert not same(run(tmp_path / "other", digits, name, seed=4), undisturbed(name))


class Told:
    """Told of each epoch, once it is kept."""

    def epoch(self, state):
        pass


# Each in the epoch that is reached then, of two with six steps each.
KILLS = (
    (torch.optim.SGD, "step", 3),  # within the first one
    (keeper, "save_checkpoint", 1),  # at its end, before it is kept
    (Told, "epoch", 1),  # after it
    (torch.optim.SGD, "step", 4),  # within the second one
    (keeper, "save_checkpoint", 1),
    (Told, "epoch", 2),  # after what was read back
)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_one_killed_and_resumed_at_several_moments_is_as_if_it_had_not_been(
    name, tmp_path, digits, undisturbed
):
    for owner, what, call in KILLS:
        killed(
            lambda: run(tmp_path, digits, name, on_epoch=lambda state: Told().epoch(state)), owner, what, call
        )
    resumed = run(tmp_path, digits, name)
    assert same(resumed, undisturbed(name))
    assert resumed.derived == undisturbed(name).derived
    assert without_seconds(resumed) == without_seconds(undisturbed(name))
    assert candidates(resumed) == candidates(undisturbed(name))


def candidates(state, count=12, **options):
    """What is trained from scratch after the supernet."""
    return propose(CellDistribution(toy_table(), state.logits), state.derived, count, seed=3, **options)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_no_architecture_is_trained_twice_and_the_derived_one_comes_first(name, undisturbed):
    state = undisturbed(name)
    found = candidates(state)
    genotypes = [Genotype.of(PROBLEM, renamed(architecture)) for architecture in found]
    assert len({genotype.key() for genotype in genotypes}) == len(found) == 12
    assert found[0] == state.derived[-1]
    assert found == candidates(state)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_no_candidate_is_above_the_budget(name, undisturbed):
    table, state = toy_table(), undisturbed(name)
    macs = sorted(table.macs(each) for each in candidates(state))
    within = candidates(state, budget=Budget(round(macs[len(macs) // 2])))
    assert max(map(table.macs, within)) <= macs[len(macs) // 2] < macs[-1]


@pytest.mark.parametrize("name", OURS)
def test_architecture_weights_follow_the_penaltys_scale_towards_fewer_macs(
    name, tmp_path, digits, undisturbed
):
    dear = run(tmp_path / "dear", digits, name, mac_penalty=20.0)
    assert not same(dear, undisturbed(name))
    assert dear.records[-1]["expected_macs"] < undisturbed(name).records[-1]["expected_macs"]


@pytest.mark.parametrize("name", ONE_SHOT)
def test_nothing_above_the_budget_is_derived(name, tmp_path, digits):
    table = toy_table()
    budget = table.smallest() + 1.0  # nothing but the cheapest
    state = run(tmp_path, digits, name, budget=Budget(budget))
    assert [table.macs(each) for each in state.derived] == [table.smallest()] * 2
    assert {record["derived_macs"] for record in state.records} == {table.smallest()}


@pytest.mark.parametrize("name", ONE_SHOT)
def test_each_epoch_is_a_plain_record(name, undisturbed):
    state = undisturbed(name)
    assert [record["epoch"] for record in state.records] == [1, 2]
    for record in state.records:
        json.dumps(record)
        assert 0 <= record["default"] <= 1
        assert 0 < record["entropy"] <= math.log(3)
        assert math.isfinite(record["loss"])
        assert (
            (record["architecture_loss"] is None)
            if name in OF_NNI
            else math.isfinite(record["architecture_loss"])
        )


@pytest.mark.parametrize("name", ONE_SHOT)
def test_its_checkpoint_is_no_other_strategys(name, tmp_path, digits):
    from records.errors import UserError

    other = "darts" if name != "darts" else "proxyless"
    run(tmp_path, digits, other)
    with pytest.raises(UserError, match=rf"strategy was '{other}', now '{name}'"):
        run(tmp_path, digits, name)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_what_has_not_learned_is_called_noise(name, tmp_path, digits):
    settings = dataclasses.replace(settings_of(name), architecture_learning_rate=1e-9)
    state = search(tmp_path, digits, settings, strategy=get_strategy(name))
    (tmp_path / EPOCHS).write_text("".join(json.dumps(record) + "\n" for record in state.records))
    supernet = read_supernet(tmp_path)
    assert "what was derived is not better founded than a random draw" in str(supernet.warning())
