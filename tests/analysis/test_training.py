"""Trainings read from their folders, kept, and summed up over seeds."""

from __future__ import annotations

import json

import pytest

from analysis.training import (
    network_name,
    read_training,
    read_trainings,
    summaries,
    trainings_text,
)
from records.errors import UserError
from search_space import Genotype, published
from tests.analysis.samples.trainings import training


def folder(path, accuracy=0.9):
    genotype = published("MNIST-Residual")
    path.mkdir()
    genotype.save(path / "genotype.json")
    epoch = {"epoch": 1, "loss": 0.12345678, "train_accuracy": 0.5, "accuracy": None, "learning_rate": 0.1,
             "seconds": 2.0}  # fmt: skip
    settings = {"dataset": "mnist", "recipe": {"name": "fast", "epochs": 1}, "seed": 3, "train_limit": 100,
                "threads": 1}  # fmt: skip
    result = {"test_accuracy": accuracy, "test_images": 10, "params": 524, "macs": 1, "macs_published": 2,
              "seconds": 2.04, "history": [epoch], "settings": settings, "versions": {"torch": "2"},
              "hardware": "a CPU", "confusion": [[1, 0], [2, 3]]}  # fmt: skip
    (path / "result.json").write_text(json.dumps(result))
    return path


def test_a_folder_is_read_and_kept(tmp_path):
    found = read_training(folder(tmp_path / "run"))
    assert found.network == "MNIST-Residual"
    assert found.group == ("MNIST-Residual", "mnist", "fast", 1, 100)
    assert (found.losses, found.confusion, found.seconds) == ((0.123457,), ((1, 0), (2, 3)), 2.0)
    path = tmp_path / "trainings.jsonl"
    path.write_text(trainings_text([found, training()]))
    assert read_trainings(path) == [found, training()]


def test_what_a_solver_left_is_kept_by_epoch_and_others_have_none(tmp_path):
    path = folder(tmp_path / "run")
    result = json.loads((path / "result.json").read_text())
    result["history"] = [
        epoch | {"residual": residual} for epoch in result["history"] for residual in (None, 0.1)
    ]
    (path / "result.json").write_text(json.dumps(result))
    found = read_training(path)
    assert found.residuals == (None, 0.1)
    (tmp_path / "kept.jsonl").write_text(trainings_text([found, training()]))
    assert read_trainings(tmp_path / "kept.jsonl") == [found, training()]
    assert training().residuals == ()
    assert "residuals" not in training().to_json()


def test_an_unfinished_training_is_told(tmp_path):
    with pytest.raises(UserError, match=r"holds no finished training: there is no result\.json"):
        read_training(tmp_path)


def test_a_damaged_result_is_told(tmp_path):
    path = folder(tmp_path / "run")
    (path / "result.json").write_text('{"test_accuracy": 0.5}')
    with pytest.raises(UserError, match=r"result\.json is not of a training: 'settings'"):
        read_training(path)
    for content in ("", "[1]", "{}", '{"test_accuracy": "x"}', "[" * 100_000):
        (path / "result.json").write_text(content)
        with pytest.raises(UserError, match=r"result\.json is damaged: "):
            read_training(path)


def test_names_are_those_of_the_published_networks_at_any_size():
    small = published("ResNet-Global-Tiny", image=(1, 28, 28), num_classes=7)
    assert network_name(small) == "ResNet-Global-Tiny"
    other = Genotype(small.space, small.image, 7, small.settings, small.architecture | {"multiplier": 1})
    assert network_name(other) == "ResNet-Global-Tiny"
    wide = small.architecture | {"stage1": {"width": 9, "blocks": 1, "layer": "none"}}
    unknown = Genotype(small.space, small.image, 7, small.settings, wide)
    assert network_name(unknown) == unknown.key()


def test_a_name_is_found_beside_networks_for_which_the_image_is_too_small():
    small = published("MNIST-Global-Backbone", image=(1, 8, 8))
    assert network_name(small) == "MNIST-Global-Backbone"


def test_a_summary_is_over_seeds():
    table = ((1, 3, 0), (0, 3, 1), (0, 0, 2))
    runs = [training(seed=2, test_accuracy=0.9, confusion=table), training(), training(epochs=1, seed=9)]
    first, second = summaries(runs)
    assert first.seeds == (0, 2)
    assert first.accuracies == (80.0, 90.0)
    assert first.mean == pytest.approx(85.0)
    assert first.deviation == pytest.approx(50**0.5)
    assert first.confusion() == [[2, 2, 0], [0, 3, 1], [0, 0, 2]]
    assert second.deviation is None


def test_a_run_given_again_takes_the_place_of_its_first():
    (summary,) = summaries([training(), training(test_accuracy=0.7)])
    assert summary.accuracies == (70.0,)
