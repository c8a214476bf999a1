"""Which of our strategies runs a strategy of NNI's that is named or given."""

from __future__ import annotations

import pytest
from nni.nas.strategy import DARTS, ENAS, GumbelDARTS, Proxyless, Random, RandomOneShot
from nni.nas.strategy.middleware import Chain, Deduplication

from records.errors import UserError
from strategies import extras
from strategies.nni_side import users
from strategies.nni_side.users import made, require_given, settings_of


class Mine(DARTS):
    """A user's own."""


@pytest.mark.parametrize("given", [DARTS(), GumbelDARTS(), Proxyless(), RandomOneShot(), Mine()])
def test_what_trains_a_supernet_is_a_search_of_nni_one_shot(given):
    kind = type(given)
    asked = f"given {kind.__module__}:{kind.__qualname__}"
    assert settings_of(given) == {"strategy": "nni-one-shot", "nni_one_shot": asked}


def test_all_others_are_a_search_of_nni():
    assert settings_of(Random()) == {
        "strategy": "nni",
        "nni_strategy": "given nni.nas.strategy.bruteforce:Random",
    }
    chain = Chain(Random(), Deduplication("replay"))
    assert settings_of(chain)["strategy"] == "nni"


def test_a_chain_of_a_one_shot_strategy_is_refused():
    with pytest.raises(
        UserError, match="strategy is a Chain of .*:DARTS, which is one-shot; accepted: the latter"
    ):
        settings_of(Chain(DARTS(), Deduplication("replay")))


def test_what_is_no_strategy_is_refused():
    with pytest.raises(
        UserError, match=r"strategy is of type int; accepted: a nni.nas.strategy.base.Strategy"
    ):
        settings_of(3)


def test_a_name_that_leads_to_the_other_kind_is_refused_with_what_runs_it():
    with pytest.raises(
        UserError, match=r"nni_one_shot is .*:Random, a multi-trial one, .* --strategy nni --nni-strategy"
    ):
        made("nni_one_shot", "nni.nas.strategy:Random", 0, one_shot=True)
    assert isinstance(made("nni_one_shot", f"{__name__}:Mine", 0, one_shot=True), DARTS)


def test_enas_without_its_extra_is_one_line(monkeypatch):
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"ENAS needs tianshou and gym, which are not installed; `pip install 'pde-nas\[rl\]'"
    ):
        made("nni_one_shot", "nni.nas.strategy:ENAS", 0, one_shot=True)
    assert issubclass(ENAS, users._base())


def test_an_object_is_needed_where_one_was_given_and_nowhere_else():
    asked = settings_of(DARTS())["nni_one_shot"]
    require_given("nni_one_shot", asked, DARTS())
    require_given("nni_one_shot", "nni.nas.strategy:DARTS", None)
    with pytest.raises(
        UserError, match=r"an object; accepted from Python alone: pde_nas.resume\(RUN, strategy=...\)"
    ):
        require_given("nni_one_shot", asked, None)
    with pytest.raises(
        UserError, match="strategy is a .*:GumbelDARTS; accepted: as in the run, given .*:DARTS"
    ):
        require_given("nni_one_shot", asked, GumbelDARTS())
