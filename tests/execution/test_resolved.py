"""What a search uses where its settings leave a value open, as its run folder keeps it."""

from __future__ import annotations

import json

import pytest
import torch

from execution.session import Session, search, session_of
from execution.settings import SearchSettings
from records.run_files.run_folder import RunFolder
from training.data.loading import load_data
from training.data.lookup import dataset_info
from training.data.prepare import PreparedData


def found_by(**given) -> dict:
    return session_of(SearchSettings(**given)).resolved()


def test_defaults_of_space_and_recipe_are_resolved():
    found = found_by(device="cpu", concurrency=1, threads=3)
    assert (found["space"]["width"], found["space"]["cells"], found["space"]["nodes"]) == (
        [2, 4, 8, 16],
        [2, 3, 5],
        4,
    )
    assert (found["confirm"], found["confirm_epochs"]) == (4, 6)
    assert "global_5" in found["space"]["primitives"]
    recipe = found["recipe"]
    assert (recipe["name"], recipe["epochs"], recipe["batch_size"], recipe["learning_rate"]) == (
        "search",
        3,
        64,
        0.1,
    )
    assert (found["device"], found["threads"]) == ("cpu", 3)
    assert (found["dataset"]["name"], found["dataset"]["image"]) == ("digits", [1, 8, 8])
    assert "supernet" not in found


@pytest.mark.parametrize(("asked", "used"), [(None, False), ("on", True), ("off", False)])
def test_images_are_mirrored_only_where_the_data_may_be(asked, used):
    found = found_by(flip=asked)  # digits are not mirrored, and the recipe mirrors what may be
    assert (found["dataset"]["flip"], found["recipe"]["flip"]) == (used, used)


def test_what_was_asked_for_is_what_is_used():
    found = found_by(width=4, setting="nodes=2", epochs=7, batch_size=32, learning_rate=0.3)
    assert (found["space"]["width"], found["space"]["nodes"], found["space"]["cells"]) == (4, 2, [2, 3, 5])
    recipe = found["recipe"]
    assert (recipe["epochs"], recipe["batch_size"], recipe["learning_rate"]) == (7, 32, 0.3)


def test_a_one_shot_search_resolves_its_supernet_too():
    found = found_by(strategy="darts", supernet_epochs=6, mac_penalty=0.3, device="cpu")
    supernet = found["supernet"]
    assert (supernet["epochs"], supernet["batch_size"], supernet["learning_rate"]) == (6, 64, 0.025)
    assert supernet["mac_penalty"] == 0.3
    assert (found["space"]["width"], found["space"]["cells"]) == (8, 3)
    assert (found["devices"], found["threads"]) == (1, torch.get_num_threads())


def test_what_other_machines_decide_is_left_open():
    settings = SearchSettings(platform="remote", hosts="h.toml", dataset="mnist", data_dir="/there")
    session = session_of(settings)
    session.data = PreparedData(dataset_info("mnist"), 800, 200, 100)
    found = session.resolved()
    assert found["dataset"]["image"] == [1, 28, 28]
    assert found["train_images"] == 800
    assert not {"device", "threads"} & set(found)


@pytest.mark.parametrize(("validation", "limit"), [(0.2, None), (0.3, 101), (0.25, 10_000)])
def test_images_are_counted_as_they_are_parted(validation, limit):
    data = load_data("digits", validation=validation, train_limit=limit)
    found = found_by(validation=validation, train_limit=limit)
    counts = [found[f"{part}_images"] for part in ("train", "validation", "test")]
    assert counts == [len(data.train), len(data.validation), len(data.test)]


def test_a_run_folder_keeps_it_and_not_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.setattr(Session, "_proceed", lambda *_, **__: None)
    search(SearchSettings(run_dir=str(tmp_path / "run"), port=0, device="cpu"))
    record = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert record["settings"]["width"] is None
    assert record["resolved"]["space"]["width"] == [2, 4, 8, 16]
    assert record["resolved"]["train_images"] == 1150
    assert RunFolder.open(tmp_path / "run").resolved() == record["resolved"]
    assert str(tmp_path) not in json.dumps(record)
    assert SearchSettings.from_json(record["settings"]).run_dir is None
