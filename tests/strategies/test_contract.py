"""What every registered multi-trial strategy keeps to; a new one is tested by being registered."""

from __future__ import annotations

import dataclasses
import functools
import json
import random
import tempfile
from pathlib import Path

import pytest

from execution.settings import SearchSettings
from records.errors import UserError
from records.measurement import Measurement
from search_space import Genotype
from search_space.problem import Problem
from search_space.sampling import random_genotype
from strategies import contract
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.multi_trial import rl
from strategies.multi_trial.random_search import RandomSearch
from strategies.registry import get_strategy, strategies, strategy_names
from strategies.workplace import Workplace
from tests.strategies.table import PROBLEM, SIZES, TINY, begun, judged, play, result, worth
from training.trial_settings import TrialSettings

MULTI_TRIAL = strategy_names(one_shot=False)
on_each_problem = pytest.mark.parametrize(
    "problem",
    [pytest.param(PROBLEM, id="cells"), pytest.param(SIZES, id="sizes"), pytest.param(TINY, id="tiny")],
)
JUDGED, CONTROLS = 20, 4  # of a supernet
COUNT = JUDGED + CONTROLS  # of candidates: it has no more


@pytest.fixture(autouse=True)
def short_updates(monkeypatch):
    """The policy of `rl` learns less, in a twenty-fifth of the time."""
    monkeypatch.setattr(rl, "_UPDATE", {"batch_size": 32, "repeat": 1, "update_times": 1})


def made(
    name: str, problem: Problem = PROBLEM, seed: int = 0, folder: Path | None = None, **more
) -> MultiTrialStrategy:
    """The strategy, ready to propose; what it prepares is kept in ``folder``, by default in one that is new."""
    strategy = get_strategy(name)
    assert issubclass(strategy, MultiTrialStrategy)
    if missing := strategy.missing():
        pytest.skip(f"{', '.join(missing)} is not installed")
    begun = strategy(problem, seed, **{"epochs": 9} | more)
    if strategy.trains_here:
        prepare(begun, folder or Path(tempfile.mkdtemp(dir=FOLDERS.name)))
    return begun


FOLDERS = tempfile.TemporaryDirectory()


def prepare(strategy: MultiTrialStrategy, folder: Path) -> None:
    """With a supernet of a few steps."""
    strategy.settings = strategy.Settings(
        supernet_epochs=1, supernet_steps=1, judged=JUDGED, controls=CONTROLS
    )
    trial = TrialSettings(train_limit=80, batch_size=32)
    strategy.prepare(Workplace(folder, trial, trials=COUNT))


@functools.cache
def undisturbed(name: str, problem: str) -> tuple[Measurement, ...]:
    """What a search with three trials at once comes to; ``problem`` as JSON."""
    return tuple(play(made(name, Problem.from_json(json.loads(problem))), COUNT, at_once=3))


def whole(name: str, problem: Problem) -> list[Measurement]:
    return list(undisturbed(name, json.dumps(problem.to_json())))


@on_each_problem
@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_the_same_seed_proposes_the_same(name, problem):
    assert play(made(name, problem), COUNT, at_once=3) == whole(name, problem)
    assert play(made(name, problem, seed=2), COUNT, at_once=3) != whole(name, problem)


@on_each_problem
@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_one_killed_and_resumed_at_any_moments_goes_on_as_if_it_had_not_been(name, problem, tmp_path):
    expected, chance = whole(name, problem), random.Random(name)
    measured: list[Measurement] = []
    while len(measured) < len(expected):
        resumed = made(
            name, problem, folder=tmp_path
        )  # all that a process leaves is in its folder, and what it measured
        for index in range(chance.randint(len(measured) + 1, len(expected))):
            genotype = resumed.propose(index, measured[: max(0, index - 2)])
            assert genotype.to_json() == expected[index].genotype
            if index >= len(measured):
                measured.append(judged(resumed, index, genotype, worth(genotype)))
    assert measured == expected


@on_each_problem
@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_no_architecture_is_trained_twice(name, problem):
    results = whole(name, problem)
    keys = begun(results)
    assert len(set(keys)) == len(keys) >= COUNT // 2
    going_on = [m for m in results if m.continues is not None]
    assert len({m.continues for m in going_on}) == len(going_on) == len(results) - len(keys)
    for m in going_on:
        before = results[m.continues]
        assert m.genotype == before.genotype
        assert m.epochs > before.epochs
        assert before.status == "partial"


@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_all_stay_within_the_budget(name):
    macs = sorted(m.macs for m in play(RandomSearch(PROBLEM, 0), 40))
    budget = macs[0] - (macs[-1] - macs[0]) // 10  # below all that chance found
    assert max(m.macs for m in play(made(name, max_macs=budget), 15)) <= budget


@on_each_problem
@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_all_stay_within_a_budget_of_parameters_and_macs(name, problem):
    chance = play(RandomSearch(problem, 0), 40)
    params, macs = (sorted(getattr(m, what) for m in chance)[10] for what in ("params", "macs"))
    found = play(made(name, problem, max_macs=macs, max_params=params), 15)
    assert max(m.macs for m in found) <= macs
    assert max(m.params for m in found) <= params


@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_what_an_earlier_search_trained_is_not_trained_again(name):
    earlier = play(made(name), 12)
    known = {Genotype.from_json(m.genotype).key() for m in earlier}
    runs = []
    for _ in range(2):
        strategy = made(name)
        strategy.start_from(earlier)
        runs.append([m.genotype for m in play(strategy, 10, at_once=2)])
    assert runs[0] == runs[1]
    assert not known & {Genotype.from_json(genotype).key() for genotype in runs[0]}


@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_candidates_that_failed_do_not_end_it(name):
    strategy, results = made(name), []
    for index in range(COUNT):
        genotype = strategy.propose(index, results)
        results.append(judged(strategy, index, genotype, None if index % 3 else worth(genotype)))
    keys = begun(results)
    assert len(set(keys)) == len(keys) >= COUNT // 2


@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_a_budget_that_nothing_meets_names_the_smallest(name):
    with pytest.raises(UserError, match=r"at most 1,000 MACs was found; the smallest has [\d,]+: raise"):
        made(name, max_macs=1000).propose(0, [])


@pytest.mark.parametrize("name", MULTI_TRIAL)
def test_a_search_ends_where_the_space_is_used_up(name, monkeypatch):
    tiny = Problem(
        "darts-global", {"width": 4, "cells": 1, "nodes": 1, "inputs": 1, "primitives": ["skip_connect"]},
        (1, 8, 8), 10,
    )  # fmt: skip
    monkeypatch.setattr(contract, "_TRIES", 40)  # where there are two architectures, these are enough
    strategy, results = made(name, tiny), []
    with pytest.raises(SpaceExhausted, match="no architecture of darts-global is left"):
        play(strategy, 8, results=results)  # stages among them
    assert len(begun(results)) == len({Genotype.from_json(m.genotype).key() for m in results}) == 2
    after = made(name, tiny)
    after.start_from([result(index, genotype, 0.5) for index, genotype in enumerate(all_of(tiny))])
    with pytest.raises(SpaceExhausted, match="no architecture of darts-global is left"):
        after.propose(0, [])


def all_of(problem):
    found = {(g := random_genotype(problem, seed)).key(): g for seed in range(40)}
    assert len(found) == 2
    return found.values()


@pytest.mark.parametrize("name", strategy_names())
def test_its_settings_are_a_searchs_and_survive_json(name):
    settings = SearchSettings(strategy=name)
    own = {field.name: field for field in dataclasses.fields(get_strategy(name).Settings)}
    assert own.keys() <= settings.to_json().keys()
    assert SearchSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    for field in own.values():
        assert field.metadata["help"]
        assert field.default is not None or field.metadata["used"]()


def test_each_has_a_name_and_says_what_it_does():
    assert {"darts", "evolution", "random"} <= set(strategies())
    for name, strategy in strategies().items():
        assert strategy.name == name
        assert strategy.summary == strategy.summary.strip(". ")
        assert strategy.__doc__
