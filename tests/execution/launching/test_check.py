"""What was typed into the form is refused by the words of the command line, each at its field."""

from __future__ import annotations

import pytest

import run_search
from execution.launching.check import WHOLE, check
from execution.settings import SearchSettings
from records.errors import UserError


def test_nothing_typed_is_the_usual_search():
    found = check({})
    assert found.errors == {}
    assert found.settings == SearchSettings()
    assert found.data is not None
    assert (found.data.train_images, found.data.info.image) == (1150, (1, 8, 8))


def test_every_wrong_field_is_told_at_once():
    found = check(
        {"width": "-3", "trials": "x", "epochs": "0", "setting.nodes": "1,2", "validation": "3", "seed": "1"}
    )
    assert found.settings is None
    assert found.errors == {
        "width": "width is -3; accepted: a whole number, 1 or more",
        "trials": "trials is 'x'; accepted: a whole number",
        "epochs": "epochs is 0; accepted: a whole number, 1 or more",
        "setting.nodes": "setting nodes is '1,2'; accepted: whole numbers",
        "validation": "validation is 3.0; accepted: a number from 0 to 1.0",
    }


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"space": "nowhere"}, "space"),
        ({"strategy": "luck"}, "strategy"),
        ({"dataset": "cats"}, "dataset"),
        ({"dataset": "missing.npz"}, "dataset"),
        ({"dataset": "cifar10", "data_dir": "/not/there"}, "data_dir"),
        ({"train_limit": "5"}, "train_limit"),
        ({"platform": "remote"}, "platform"),
        ({"space": "resnet-global", "setting.widths": "4,x"}, "setting.widths"),
        ({"space": "resnet-global", "setting.stages": "-1"}, "setting.stages"),
        ({"space": "resnet-global", "width": "4"}, "width"),
        ({"strategy": "evolution", "population": "1"}, "population"),
        ({"strategy": "darts", "start_from": "runs/a"}, "start_from"),
        ({"strategy": "darts", "max_macs": "10k"}, "max_macs"),
        ({"width": "4", "cells": "2", "max_macs": "1k"}, "max_macs"),
        ({"primitives": "magic"}, "primitives"),
        ({"flip": "perhaps"}, "flip"),
        ({"device": "abacus"}, "device"),
        ({"unheard_of": "1"}, "unheard_of"),
    ],
)
def test_an_error_stands_at_its_field(texts, field):
    errors = check(texts).errors
    assert list(errors) == [field]
    assert "\n" not in errors[field]


@pytest.mark.parametrize(
    "texts", [{"width": "-3"}, {"train_limit": "5"}, {"population": "1"}, {"setting.nodes": "0"}]
)
def test_the_command_line_says_the_same(texts, capsys, tmp_path):
    (said,) = check(texts).errors.values()
    words = [
        f"--setting={name.removeprefix('setting.')}={text}"
        if name.startswith("setting.")
        else f"--{name.replace('_', '-')}={text}"
        for name, text in texts.items()
    ]
    assert run_search.main(["search", "--run-dir", str(tmp_path / "run"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_what_belongs_to_another_space_or_strategy_is_left_out():
    found = check({"strategy": "random", "population": "1", "setting.stages": "zero"})
    assert found.errors == {}
    assert found.settings == SearchSettings(strategy="random")


def test_data_that_are_not_here_yet_are_not_fetched(tmp_path):
    found = check({"dataset": "cifar10", "data_dir": str(tmp_path)})
    assert found.errors == {}
    assert found.data is not None
    assert (found.data.info.image, found.data.train_images) == ((3, 32, 32), 40_000)
    assert "is fetched once the search starts" in (found.note or "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("texts", [{"width": 3}, {"width": None}, {"width": "1" * 5000}])
def test_what_is_no_text_is_refused(texts):
    with pytest.raises(UserError, match="accepted: text"):
        check(texts)


def test_an_error_of_no_field_stands_apart(monkeypatch):
    def broken(settings):
        raise UserError("the moon is in the way; accepted: a clear sky")

    monkeypatch.setattr("execution.launching.check.known_data", broken)
    assert check({}).errors == {WHOLE: "the moon is in the way; accepted: a clear sky"}
