"""What was asked for beside what was used."""

from __future__ import annotations

from pathlib import Path

from analysis.pages.settings_table import settings_rows
from analysis.run import Run
from execution.session import session_of
from execution.settings import SearchSettings


def rows(settings: dict, resolved: dict) -> dict[str, tuple[str, str]]:
    found = settings_rows(Run(Path("/data/ada/run"), settings, (), resolved=resolved))
    assert len({name for name, *_ in found}) == len(found)
    return {name: (asked, used) for name, asked, used in found}


def test_a_default_is_shown_with_what_was_used():
    settings = SearchSettings(strategy="darts", epochs=7, device="cpu", max_macs=10**6)
    found = rows(settings.to_json(), session_of(settings).resolved())
    assert found["width"] == ("default", "8")
    assert found["cells"] == ("default", "3")
    assert found["epochs"] == ("7", "7")
    assert found["batch_size"] == ("default", "64")
    assert found["learning_rate"] == ("default", "0.1")
    assert found["recipe"] == ("search", "search")
    assert found["dataset"] == ("digits", "digits")
    assert found["max_macs"] == ("1000000", "1000000")
    assert found["devices"] == ("default", "1")
    assert found["primitives"][0] == "default"
    assert "global_5" in found["primitives"][1]
    assert found["image_size"] == ("default", "8")
    assert found["channels"] == ("default", "1")
    assert found["flip"] == ("default", "false")
    assert found["recipe flip"] == (
        "",
        "false",
    )  # digits are not mirrored, whatever the recipe does elsewhere
    assert "dataset flip" not in found
    assert "dataset image" not in found
    assert found["train_images"] == ("", "1150")
    assert found["validation_images"] == ("", "287")
    assert found["supernet learning_rate"] == ("", "0.025")
    assert found["space nodes"] == ("", "4")


def test_what_was_asked_of_the_images_is_shown_as_it_is_asked_for():
    resolved = {"dataset": {"image": [3, 28, 32], "flip": True}, "recipe": {"flip": False}}
    found = rows({"image_size": "28x32", "channels": None, "flip": "on"}, resolved)
    assert found == {
        "image_size": ("28x32", "28x32"), "channels": ("default", "3"), "flip": ("on", "true"), "recipe flip": ("", "false"),
    }  # fmt: skip


def test_a_dash_stands_only_where_neither_is_known():
    settings = SearchSettings()
    found = rows(settings.to_json(), session_of(settings).resolved())
    dashes = {name for name, texts in found.items() if "–" in texts}
    budgets = {"max_macs", "max_params", "max_latency"}
    assert dashes == {"data_dir", "hosts", "cluster", "setting", "train_limit", "start_from", *budgets}
    assert all(texts == ("–", "–") for name, texts in found.items() if name in dashes)


def test_a_run_of_an_earlier_version_shows_what_was_asked():
    found = rows({"width": None, "epochs": 3, "seed": 0}, {})
    assert found == {"width": ("–", "–"), "epochs": ("3", "3"), "seed": ("0", "0")}


def test_no_folder_and_no_machine_is_named():
    found = rows(
        {
            "data_dir": "/data", "hosts": "/home/ada/hosts.toml", "dataset": "/home/ada/my digits.npz",
            "run_dir": "/home/ada/run", "host": "gpu1.example.org", "port": 8080, "cells": None,
        },
        {"dataset": {"name": "my digits", "class_names": ["a/b", "c"]}},
    )  # fmt: skip
    assert found == {
        "data_dir": ("data", "data"), "hosts": ("hosts.toml", "hosts.toml"),
        "dataset": ("my digits.npz", "my digits"), "cells": ("–", "–"), "dataset class_names": ("", "a/b, c"),
    }  # fmt: skip


def test_the_home_is_not_named(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    found = rows({"data_dir": "/home/ada", "hosts": "/home/ada/hosts.toml"}, {})
    assert found == {"data_dir": ("~", "~"), "hosts": ("~/hosts.toml", "~/hosts.toml")}
