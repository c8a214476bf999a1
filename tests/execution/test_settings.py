import json
import os
from pathlib import Path

import numpy as np
import pytest

from execution.settings import SearchSettings, parse_option
from records.checks import parse_count
from records.errors import UserError


@pytest.mark.parametrize(
    ("text", "count"), [("20M", 20_000_000), ("1.5g", 1_500_000_000), ("300k", 300_000), (" 7 ", 7)]
)
def test_counts(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "M", "3Q", "-1M", "1e6", "20 M B", "9" * 400, "0.4", "0.0001k"])
def test_what_is_no_count(text):
    with pytest.raises(UserError, match="20M"):
        parse_count(text)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"strategy": "magic"}, "magic.*darts, .*evolution.*, random"),
        ({"space": "void"}, "void.*darts-global"),
        ({"dataset": "imagenot"}, "imagenot.*digits"),
        (
            {"dataset": ["digits"]},
            "unknown dataset of type list; accepted: digits, .*a file of arrays, such as my.npz",
        ),
        ({"image_size": "8 by 8"}, "image_size is '8 by 8'; accepted: pixels a side"),
        ({"channels": 4}, r"channels is 4; accepted: 1 \(grey\) or 3"),
        ({"flip": True}, "flip is True; accepted: on, off"),
        ({"platform": "remote", "hosts": "h", "dataset": "my.npz"}, "data_dir is '.'; with platform remote"),
        ({"trials": 0}, "trials is 0; accepted"),
        ({"trials": True}, "trials is True; accepted"),
        ({"trials": 10**30}, "trials is 1000000000000000000000000000000; accepted: a whole number from 1 to"),
        ({"seed": 2**60}, "seed is 1152921504606846976; accepted: a whole number from 0 to"),
        ({"threads": 5000}, "threads is 5000; accepted: a whole number from 0 to 1024"),
        ({"trials": [1, 2]}, r"trials is \[1, 2\]; accepted: a whole number"),
        ({"trials": np.arange(3)}, "trials is array.*; accepted: a whole number"),
        ({"epochs": 1.5}, "epochs is 1.5; accepted: a whole number or None"),
        ({"validation": "0.2"}, "validation is '0.2'; accepted: a number"),
        ({"primitives": ["skip_connect"]}, r"primitives is \['skip_connect'\]; accepted: text or None"),
        ({"setting": {"nodes": 2}}, r"setting is \{'nodes': 2\}; accepted: text or None"),
        ({"recipe": None}, "recipe is None; accepted: text"),
        ({"device": 0}, "device is 0; accepted: text"),
        ({"run_dir": "a\0b"}, r"run_dir is 'a\\x00b'; accepted: a path or None"),
        ({"concurrency": -1}, "concurrency is -1"),
        ({"port": 70000}, "port is 70000; accepted: a whole number from 0 to 65535"),
        ({"max_macs": 0}, "max_macs is 0"),
        ({"max_params": 0}, "max_params is 0"),
        ({"max_latency": -1}, "max_latency is -1"),
        ({"latency": "yes"}, "latency is 'yes'; accepted: on, off"),
        (
            {"strategy": "darts", "start_from": "runs/a"},
            "start_from is 'runs/a' with strategy darts; accepted with .*evolution",
        ),
        ({"strategy": "nsga2", "objectives": "macs"}, "objectives is 'macs'; accepted: two or more"),
        (
            {"strategy": "nsga2", "objectives": "macs,joy"},
            "objectives is 'macs,joy'; accepted: each once, of acc",
        ),
        ({"screen": 99999999}, "screen is 99999999; accepted: a whole number from 0 to 10000"),
        (
            {"screen_chosen": 2**31 - 1},
            "screen_chosen is 2147483647; accepted: a whole number from 1 to 10000",
        ),
        ({"population": 2**31 - 1}, "population is 2147483647; accepted: a whole number from 2 to 1000"),
        (
            {"strategy": "evolution", "population": 1001},
            "population is 1001; accepted: a whole number from 2 to 1000",
        ),
        (
            {"strategy": "supernet-pareto", "judged": 10**6},
            "judged is 1000000; accepted: a whole number from 8 to 100000",
        ),
        (
            {"strategy": "supernet-pareto", "networks": 1001},
            "networks is 1001; accepted: a whole number from 1 to 1000",
        ),
        ({"strategy": "asha", "eta": 1}, "eta is 1; accepted: a whole number, 2 or more"),
        ({"strategy": "asha", "min_share": 0.0}, "min_share is 0.0; accepted: a number from 1e-06 to 1"),
        (
            {"strategy": "asha", "objectives": "macs"},
            "objectives is 'macs'; accepted: accuracy alone, or two or more, such as accuracy,macs",
        ),
        (
            {"strategy": "asha", "platform": "remote", "hosts": "h"},
            "platform is remote with strategy asha, whose",
        ),
        ({"mac_penalty": float("nan")}, "mac_penalty is nan"),
        ({"width": 0}, "width is 0"),
        ({"width": Path("a")}, "width: 'a' is no size; accepted: "),
        ({"own": 5}, "own is 5; accepted: a strategy's settings"),
        ({"flip": np.arange(2)}, r"flip is array.*; accepted: "),
        ({"recipe": "soup"}, "soup"),
        ({"validation": 0.0}, "validation is 0"),
        ({"space": "resnet-global", "width": 7}, "width"),
        ({"platform": "moon"}, "moon.*local, remote, kubernetes"),
        ({"platform": "remote"}, "platform is remote and hosts None; --hosts FILE goes with"),
        (
            {"hosts": "h.toml"},
            "platform is local and hosts 'h.toml'; --hosts FILE goes with --platform remote",
        ),
        ({"platform": "kubernetes", "hosts": "h.toml"}, "--hosts FILE goes with --platform remote"),
        ({"platform": "kubernetes"}, "platform is kubernetes and cluster None"),
        (
            {"platform": "remote", "hosts": "h", "strategy": "darts"},
            "darts trains a supernet on this machine",
        ),
        (
            {"platform": "remote", "hosts": "h", "data_dir": "data"},
            "data_dir is 'data'; with platform remote",
        ),
    ],
)
def test_wrong_settings_are_named(given, said):
    with pytest.raises(UserError, match=said) as error:
        SearchSettings(**given)
    assert "\n" not in str(error.value)


def test_settings_survive_json():
    settings = SearchSettings(max_macs=10**6, width=4, seed=3)
    assert SearchSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_numbers_of_numpy_and_paths_are_plain_values():
    given = SearchSettings(
        strategy="evolution",
        trials=np.int64(3),
        seed=np.uint8(7),
        mac_penalty=np.float32(0.5),
        run_dir=Path("runs/a"),
        width=np.int32(4),
    )
    assert given == SearchSettings(
        strategy="evolution", trials=3, seed=7, mac_penalty=0.5, run_dir="runs/a", width=4
    )
    json.dumps(given.to_json())


def test_a_data_folder_that_digits_do_not_need_may_be_missing(tmp_path):
    SearchSettings(data_dir=tmp_path / "none").located().require_places()
    with pytest.raises(UserError, match="data_dir .*none is not there"):
        SearchSettings(dataset="mnist", data_dir=tmp_path / "none").located().require_places()


def test_a_file_of_arrays_is_a_name_and_a_place(tmp_path):
    settings = SearchSettings(dataset="sub/My.npz", image_size="8x9", channels=3, flip="on")
    assert (settings.dataset, settings.data_dir) == ("My.npz", "sub")
    assert SearchSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    request = settings.trial_settings().data_request()
    assert request == {
        "name": "My.npz", "data_dir": os.path.abspath("sub"), "image_size": "8x9", "channels": 3, "flip": "on",
        "validation": 0.2, "train_limit": None, "batch_size": 64,
    }  # fmt: skip
    assert SearchSettings(dataset="a.npz").trial_settings().data_dir == os.getcwd()
    assert SearchSettings(dataset="s/a.npz", data_dir="/d").data_dir == "/d/s"
    assert SearchSettings(dataset=tmp_path / "a.npz").data_dir == str(tmp_path)
    assert SearchSettings(dataset="/b/a.npz", data_dir="/d").data_dir == "/b"


@pytest.mark.parametrize(("text", "size"), [("28", 28), ("28x28", 28), (" 28X32 ", "28x32")])
def test_image_sizes(text, size):
    assert parse_option("image_size", text) == size


def test_settings_of_another_version_are_refused():
    with pytest.raises(UserError, match="no setting colour"):
        SearchSettings.from_json({"colour": "red"})


def test_cores_are_shared_among_trials(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert SearchSettings(concurrency=3).trial_settings().threads == 2
    assert SearchSettings(concurrency=16).trial_settings().threads == 1
    assert SearchSettings(threads=5).trial_settings().threads == 5


def test_elsewhere_the_trial_decides_on_device_and_threads():
    trial = SearchSettings(platform="remote", hosts="h.toml", data_dir="/data").trial_settings()
    assert (trial.device, trial.threads, trial.data_dir) == ("auto", 0, "/data")
    asked = SearchSettings(platform="remote", hosts="h.toml", device="cpu", threads=3).trial_settings()
    assert (asked.device, asked.threads) == ("cpu", 3)


def test_a_spaces_own_settings_are_given_by_name():
    found = SearchSettings(space="resnet-global", setting="stages=3 widths=8,16")
    assert found.space_settings() == {"stages": 3, "widths": [8, 16]}
    assert SearchSettings(setting="width=4 nodes=2").space_settings()["width"] == 4
    assert SearchSettings.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"space": "resnet-global", "width": 8},
            "resnet-global has no setting width; accepted with --setting",
        ),
        ({"width": 8, "setting": "width=4"}, "width is given as --width and in --setting"),
        (
            {"space": "resnet-global", "setting": "stages=9"},
            "stages is 9; accepted: a whole number from 1 to 6",
        ),
        ({"space": "timm-network", "cells": 3}, "timm-network has no setting cells; .*: none"),
    ],
)
def test_wrong_settings_of_a_space_are_named(given, said):
    with pytest.raises(UserError, match=said):
        SearchSettings(**given)


def test_sizes_may_be_several():
    settings = SearchSettings(width="4, 8", cells=[2, 3])
    assert (settings.width, settings.cells) == ("4,8", "2,3")
    assert settings.space_settings()["width"] == [4, 8]
    assert SearchSettings(width="16").width == 16
    assert SearchSettings.from_json(settings.to_json()) == settings
    for wrong in ("4.5", "4,", "a", [1.5]):
        with pytest.raises(UserError, match="is no size; accepted: a whole number, or several with commas"):
            SearchSettings(width=wrong)
    with pytest.raises(UserError, match="width is 0; accepted"):
        SearchSettings(width="0,4")


@pytest.mark.parametrize(
    ("given", "points", "epochs"),
    [({}, 4, 6), ({"trials": 4}, 0, 6), ({"trials": 12}, 2, 6), ({"confirm": 0}, 0, 6), ({"confirm": 9, "epochs": 5}, 9, 10),
     ({"confirm_epochs": 7}, 4, 7), ({"platform": "remote", "hosts": "h"}, 0, 6)],
)  # fmt: skip
def test_a_fifth_of_the_candidates_is_confirmed(given, points, epochs):
    asked = SearchSettings(**given).confirmations()
    assert (asked["points"], asked["epochs"], asked["seeds"], asked["at_once"]) == (points, epochs, 3, 2)


def test_elsewhere_nothing_is_confirmed():
    with pytest.raises(UserError, match="confirm is 2 with platform remote; accepted: 0"):
        SearchSettings(platform="remote", hosts="h", confirm=2)
