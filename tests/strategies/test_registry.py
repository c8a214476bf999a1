"""Strategies by name, built in and a user's own."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from execution.settings import SearchSettings, all_options
from records.errors import UserError
from records.options import Options, option
from strategies import registry
from strategies.contract import MultiTrialStrategy, Strategy
from strategies.registry import get_strategy, is_one_shot, register_strategy, strategy_names, strategy_options
from tests.strategies.table import PROBLEM

ROOT = Path(__file__).resolve().parents[2]
OWN = """
from dataclasses import dataclass
from records.options import Options, option
from search_space import mutate
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy
from strategies.registry import register_strategy

@dataclass(frozen=True)
class WalkSettings(Options):
    steps: int = option(3, "mutations from one candidate to the next", unit="mutations", metavar="N", least=1)

@register_strategy
class Walk(MultiTrialStrategy):
    "A random walk."
    name, summary, Settings = "walk", "walks at random", WalkSettings

    def draw(self, rng, results):
        genotype = random_genotype(self.problem, self.seed)
        for _ in range(self.settings.steps):
            genotype = mutate(genotype, rng)
        return genotype
"""


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(registry, "_STRATEGIES", dict(registry._STRATEGIES))
    return registry._STRATEGIES


def stub(known_as: str, settings: type[Options] = Options) -> type[MultiTrialStrategy]:
    """A strategy that proposes nothing."""

    class Stub(MultiTrialStrategy):
        name, summary, Settings = known_as, "another", settings

        def draw(self, rng, results):
            return None

    return Stub


def test_names_are_of_one_kind_or_all():
    one_shot = ("darts", "enas", "gumbel-darts", "nni-one-shot", "proxyless", "random-one-shot")
    assert strategy_names(one_shot=True) == one_shot
    assert set(strategy_names()) == {*strategy_names(one_shot=True), *strategy_names(one_shot=False)}
    assert is_one_shot("darts")
    assert not is_one_shot("random")
    assert not is_one_shot("none such")
    assert not is_one_shot(None)


def test_an_unknown_one_is_told_with_those_there_are_and_how_to_have_others():
    with pytest.raises(
        UserError, match=r"strategy is 'magic'; accepted: .*darts, .*evolution.*, random.*; .*PDE_NAS_PLUGINS"
    ):
        get_strategy("magic")


def test_a_setting_that_two_have_tells_what_it_does_in_each():
    field, having = strategy_options()["mac_penalty"]
    assert having == ("darts", "enas", "evolution", "gumbel-darts", "proxyless", "random-one-shot")
    assert field.metadata["help"].startswith("darts: added")
    assert "; evolution: accuracy" in field.metadata["help"]


def test_one_of_your_own_is_chosen_with_its_settings_by_the_command_line(tmp_path):
    (tmp_path / "walks.py").write_text(OWN)
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}", "PDE_NAS_PLUGINS": "walks", "PATH": ""}

    def said(*words: str) -> str:
        command = [sys.executable, str(ROOT / "run_search.py"), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path).stdout

    shown = said("search", "--strategy", "walk", "--help")
    assert "only with --strategy walk:" in shown
    assert "--steps N" in shown
    assert "walk: walks at random" in said("strategies")
    refused = subprocess.run(
        [sys.executable, str(ROOT / "run_search.py"), "search", "--strategy", "walk", "--steps", "0"],
        env=environment, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert refused.stderr == "error: steps is 0; accepted: a whole number, 1 or more\n"


def test_a_name_is_taken_once(registered):

    with pytest.raises(UserError, match="strategy random is registered already"):
        register_strategy(stub("random"))


def test_what_is_no_strategy_is_refused(registered):
    class Bare(Strategy):
        name, summary = "bare", "nothing"

    class Nameless(MultiTrialStrategy):
        def draw(self, rng, results):
            raise NotImplementedError

    with pytest.raises(
        UserError, match=r"strategy bare is .*Bare; accepted: a subclass of MultiTrialStrategy"
    ):
        register_strategy(Bare)
    with pytest.raises(UserError, match="Nameless lacks a name or a summary"):
        register_strategy(Nameless)


def test_a_setting_means_the_same_everywhere(registered):
    @dataclass(frozen=True)
    class Settings(Options):
        population: int = option(99, "otherwise", least=1)

    other = stub("other", Settings)
    with pytest.raises(
        UserError, match=r"strategy other has a setting population of type int, default 99; accepted"
    ):
        register_strategy(other)


def test_settings_of_another_strategy_are_refused_unless_they_change_nothing():
    assert SearchSettings(strategy="random", population=8) == SearchSettings(strategy="random")
    with pytest.raises(
        UserError, match="population is 5; accepted with strategy evolution, nsga2, not with random"
    ):
        SearchSettings(strategy="random", population=5)
    evolution = SearchSettings(strategy="evolution", population=5, mac_penalty=0.25)
    assert (evolution.population, evolution.own.mac_penalty) == (5, 0.25)
    darts = dataclasses.replace(evolution, strategy="darts")
    assert (darts.mac_penalty, darts.supernet_epochs) == (0.25, 20)
    with pytest.raises(AttributeError, match="no setting population with this strategy"):
        _ = darts.population
    assert dataclasses.replace(evolution, trials=3).population == 5


def test_a_record_of_an_older_version_names_settings_of_all_strategies():
    record = SearchSettings(strategy="random").to_json() | {
        "population": 5,
        "supernet_epochs": 7,
        "devices": 2,
    }
    assert SearchSettings.from_json(record) == SearchSettings(strategy="random")


def test_a_setting_that_every_search_has_is_refused(registered):
    @dataclass(frozen=True)
    class Settings(Options):
        trials: int = option(3, "of its own", least=1)

    other = stub("other", Settings)
    register_strategy(other)
    with pytest.raises(UserError, match="strategy other has a setting trials, which every search has"):
        all_options()
    with pytest.raises(UserError, match="strategy other: draw gave None; accepted: a Genotype"):
        other(PROBLEM, 0).propose(0, [])
