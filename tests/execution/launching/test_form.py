"""The form of a new search says what the settings say, each once."""

from __future__ import annotations

import dataclasses

import pytest

from execution.launching.check import check
from execution.launching.form import OF_SPACE, form, texts_of
from execution.settings import SearchSettings, all_options, common_options
from search_space import get_space, space_names
from strategies.registry import get_strategy, strategy_options

DECIDED_ELSEWHERE = {"run_dir", "port", "portal", "host", "setting"}


@pytest.fixture(scope="module")
def fields():
    return [field for section in form()["sections"] for field in section["fields"]]


def shown(fields, space="darts-global", strategy="nsga2"):
    """The fields with that space and strategy, by name."""
    return {
        field["name"]: field
        for field in fields
        if (field["spaces"] is None or space in field["spaces"])
        and (field["strategies"] is None or strategy in field["strategies"])
    }


def test_every_setting_has_one_field(fields):
    common = [
        field["name"]
        for field in fields
        if not field["strategies"] and not field["name"].startswith(OF_SPACE)
    ]
    assert sorted(common) == sorted(common_options().keys() - DECIDED_ELSEWHERE)
    for name in all_options().keys() - common_options().keys():
        having = [strategy for field in fields if field["name"] == name for strategy in field["strategies"]]
        assert sorted(having) == sorted(strategy_options()[name][1])


def test_of_a_setting_that_means_otherwise_with_another_strategy_is_said_what_it_does_there(fields):
    for strategy in ("evolution", "darts"):
        own = {field.name: field for field in dataclasses.fields(get_strategy(strategy).Settings)}
        assert shown(fields, strategy=strategy)["mac_penalty"]["help"] == own["mac_penalty"].metadata["help"]


def test_what_it_says_of_a_setting_is_what_the_setting_says(fields):
    described = {field["name"]: field for field in fields}
    for name, setting in common_options().items():
        if name in DECIDED_ELSEWHERE:
            continue
        field, meta = described[name], setting.metadata
        assert (field["help"], field["unit"]) == (meta["help"], meta["unit"]), name
        assert field["choices"] == (list(meta["choices"]()) if meta["choices"] else None), name
        assert field["default"] == ("" if setting.default is None else str(setting.default)), name
        assert field["used"] == (meta["used"]() if meta["used"] else None), name


@pytest.mark.parametrize("space", space_names())
def test_a_space_shows_its_own_settings_and_no_others(fields, space):
    own = {field.name for field in dataclasses.fields(get_space(space).Settings)}
    names = shown(fields, space=space)
    assert {name.removeprefix(OF_SPACE) for name in names if name.startswith(OF_SPACE)} == own - {
        "width",
        "cells",
        "primitives",
    }
    assert names.keys() & {"width", "cells", "primitives"} == own & {"width", "cells", "primitives"}


def test_a_strategy_shows_its_own_settings_and_no_others(fields):
    own = {name for name, (_, having) in strategy_options().items() if "evolution" in having}
    others = strategy_options().keys() - own
    assert "population" in own
    names = shown(fields, strategy="evolution").keys()
    assert own <= names
    assert not names & others


def test_what_a_space_uses_without_being_told_can_be_typed(fields):
    for space in ("darts-global", "resnet-global", "tiny-global"):
        usual = {
            f["name"]: f["used"] for f in shown(fields, space).values() if f["name"].startswith(OF_SPACE)
        }
        assert usual
        settings = check({"space": space, **usual}).settings
        assert settings is not None
        made = get_space(space).make_settings(settings.space_settings())
        plain = get_space(space).make_settings(SearchSettings(space=space).space_settings())
        assert made == plain


def test_texts_of_a_run_give_its_settings_again():
    settings = SearchSettings(
        space="darts-global", strategy="evolution", population=5, width="4,8", max_macs=300_000, epochs=2,
        setting="nodes=2 stem=small", learning_rate=0.05, seed=3,
    )  # fmt: skip
    texts = texts_of(settings.to_json())
    assert texts["setting.nodes"] == "2"
    assert texts["width"] == "4,8"
    assert "cells" not in texts
    again = check(texts)
    assert again.errors == {}
    assert again.settings == settings
