"""What a strategy needs that is not always installed."""

from __future__ import annotations

import importlib.util

import pytest

from execution.one_shot.session import OneShotSession
from execution.settings import SearchSettings
from records.errors import UserError
from strategies.extras import RL, Extra
from strategies.multi_trial.rl import Rl
from strategies.registry import strategies
from tests.strategies.table import PROBLEM

LACKING = "needs tianshou and gym, which are not installed; `pip install 'pde-nas[rl]' -c constraints.txt` installs them"


@pytest.fixture
def without_rl(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in RL.modules else found(name))


def test_what_is_missing_is_one_line_that_says_what_to_install(without_rl):
    with pytest.raises(UserError) as error:
        Rl(PROBLEM, 0)
    assert str(error.value) == f"strategy rl {LACKING}"
    with pytest.raises(UserError) as error:
        _ = OneShotSession(SearchSettings(strategy="enas")).plan
    assert str(error.value) == f"strategy enas {LACKING}"


def test_one_module_is_spoken_of_as_one():
    with pytest.raises(UserError, match=r"^this needs not_there, which is not installed; .* installs it$"):
        Extra("some", ("json", "not_there")).require("this")


def test_the_others_need_nothing(without_rl):
    assert {name for name, kind in strategies().items() if kind.missing()} == {"rl", "enas"}
