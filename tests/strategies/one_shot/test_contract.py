"""What every registered one-shot strategy keeps to; a new one is tested by being registered."""

import dataclasses
import functools
import importlib.util
import json
import math

import pytest

from strategies.budget import Budget
from strategies.registry import get_strategy, strategy_names
from tests.strategies.supernet.toy import same, search, toy_table, without_seconds
from training.data.loading import load_data

EXTRA = {"enas": "tianshou"}  # what a strategy needs that is not always there
ONE_SHOT = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name in EXTRA and importlib.util.find_spec(EXTRA[name]) is None,
            reason=f"{EXTRA.get(name)} is not installed",
        ),
    )
    for name in strategy_names(one_shot=True)
]


@pytest.fixture(scope="module")
def digits():
    return load_data("digits", train_limit=160, validation=0.4, seed=0)


def settings_of(name, **changes):
    """The strategy's own, at learning rates at which a few steps show."""
    strategy = get_strategy(name)
    own = strategy.Settings(supernet_epochs=2, mac_penalty=changes.pop("mac_penalty", 0.0))
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


@pytest.mark.parametrize("name", ONE_SHOT)
def test_one_killed_and_resumed_is_as_if_it_had_not_been(name, tmp_path, digits, undisturbed):
    class Killed(Exception):
        pass

    def kill(state):
        raise Killed

    with pytest.raises(Killed):
        run(tmp_path, digits, name, on_epoch=kill)
    resumed = run(tmp_path, digits, name)
    assert same(resumed, undisturbed(name))
    assert without_seconds(resumed) == without_seconds(undisturbed(name))


@pytest.mark.parametrize("name", ONE_SHOT)
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
        assert math.isfinite(record["architecture_loss"])


@pytest.mark.parametrize("name", ONE_SHOT)
def test_its_checkpoint_is_no_other_strategys(name, tmp_path, digits):
    from records.errors import UserError

    other = "darts" if name != "darts" else "proxyless"
    run(tmp_path, digits, other)
    with pytest.raises(UserError, match=rf"strategy was '{other}', now '{name}'"):
        run(tmp_path, digits, name)
