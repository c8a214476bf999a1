"""The record of published networks' trainings: numbers of the table, order of the backbones, what is written."""

from __future__ import annotations

import dataclasses
import json
import math
import sys

import pytest

from analysis.pictures.panels import render_panels
from analysis.training import summaries, trainings_text
from benchmarks import published_results
from records.errors import UserError
from tests.analysis.samples.trainings import training
from training.recipes.named import get_recipe

COUNTS = [[0] * 10 for _ in range(10)]
COUNTS[3][5], COUNTS[5][3], COUNTS[3][3] = 7, 4, 89


def backbones(accuracies, seed=0):
    return [
        training(network=name, test_accuracy=accuracy, seed=seed, confusion=tuple(map(tuple, COUNTS)))
        for name, accuracy in zip(published_results.BACKBONES, accuracies, strict=True)
    ]


def test_the_poster_is_quoted_where_it_has_the_row():
    assert published_results.poster_accuracy("MNIST-Residual", "mnist") == 92.53
    assert published_results.poster_accuracy("ResNet-Global", "cifar10") == 91.93
    assert published_results.poster_accuracy("ResNet-Global-Tiny", "cifar10") is None
    assert published_results.poster_accuracy("ResNet-Global-Tiny", "cifar100") == 43.6


def test_a_command_has_what_differs_from_the_recipe():
    assert published_results.command(training()) == (
        "python run_search.py train --published MNIST-Residual --dataset mnist --data-dir DIR "
        "--recipe mnist-backbone --threads 1 --seed 0"
    )
    other = published_results.command(training(epochs=3, train_limit=500, threads=0, seed=2))
    assert other.endswith("--recipe mnist-backbone --epochs 3 --train-limit 500 --seed 2")


def test_a_row_has_mean_deviation_and_poster():
    runs = [training(seed=s, test_accuracy=a, seconds=100 + s) for s, a in enumerate((0.92, 0.93, 0.94))]
    (summary,) = summaries(runs)
    assert published_results.cells(summary) == (
        "MNIST-Residual", "mnist", "mnist-backbone", "30", "0, 1, 2", "3", "93.00", "1.00", "92.53", "524",
        "42,826", "53,802", "100 s to 102 s",
    )  # fmt: skip


def test_backbones_are_set_beside_each_other_by_seed():
    found = summaries([*backbones((0.92, 0.93, 0.95)), *backbones((0.93, 0.92, 0.95), seed=1)])
    (group,) = published_results.backbone_groups(found)
    lines = published_results.backbone_lines(group)
    assert lines[0] == "By seed (mnist-backbone, 30 epochs):"
    assert lines[4] == "| 0 | 92.00, 7, 4 | 93.00, 7, 4 | 95.00, 7, 4 | holds |"
    assert lines[5].endswith("| does not hold |")
    assert published_results.backbone_groups(found[:2]) == []
    longer = summaries([dataclasses.replace(t, recipe="mnist-backbone-long") for t in backbones((0.9,) * 3)])
    assert len(published_results.backbone_groups([*found, *longer])) == 2


def test_all_is_written_and_can_be_drawn_again(tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "trainings.jsonl").write_text(trainings_text(backbones((0.92, 0.93, 0.95))))
    (out / "README.md").write_text(
        "before\n<!-- table -->\nformer table\n<!-- end of table -->\nafter\n"
        "<!-- fast table -->\nformer\n<!-- end of fast table -->\n"
    )
    fast = tmp_path / "fast.jsonl"
    run = {
        "network": "N",
        "dataset": "mnist",
        "train_images": 9,
        "validation_images": 3,
        "seed": 0,
        "accuracy": 0.9,
        "cpu_seconds": 1,
    }
    kinds = [{"recipe": "fast", "epochs": 2}, {"recipe": "mnist", "epochs": 4}]
    fast.write_text("".join(json.dumps(run | kind) + "\n" for kind in kinds))
    (panel,) = published_results.fast_panels([run | kind for kind in kinds])
    assert panel.ends == (("mnist", 4, 90.0), ("fast", 2, 90.0))
    assert panel.title == "N, 9 images of MNIST"
    monkeypatch.setattr(sys, "argv", ["x", str(tmp_path / "begun"), "--out", str(out), "--fast", str(fast)])
    published_results.main()
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert first.keys() == {
        "trainings.jsonl", "table.csv", "curves.png", "confusion-mnist-backbone.png", "fast.png", "README.md",
    }  # fmt: skip
    text = first["README.md"].decode()
    assert text.startswith("before\n<!-- table -->\n| network |")
    assert "```\n<!-- end of table -->\nafter\n<!-- fast table -->\n| network" in text
    assert text.endswith("| N | mnist | 9 | mnist | 4 | 90.00 | - | 1 | 1 |\n<!-- end of fast table -->\n")
    assert "former table" not in text
    said = capsys.readouterr()
    assert "begun is not finished: left out" in said.err
    assert said.out.strip() == text.split("-->\n")[1].split("<!--")[0].strip()
    published_results.main()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_a_panel_a_data_set(dataset):
    (panel,) = published_results.curve_panels([training(dataset=dataset)])
    assert panel.curves[0].values == (50.0, 75.0)
    assert panel.curves[0].end == 80.0


def test_trainings_by_changed_settings_are_told():
    def settings(epochs=3, validation=0.0, test_limit=None, **changes):
        recipe = get_recipe("tiny", epochs=epochs).to_json() | changes
        return {"recipe": recipe, "validation": validation, "test_limit": test_limit}

    assert published_results.changed_settings(settings()) == []
    assert published_results.changed_settings(settings(learning_rate=0.5, validation=0.1, test_limit=9)) == [
        "learning_rate 0.5 instead of 0.1", "validation 0.1 instead of 0.0", "test_limit 9 instead of None",
    ]  # fmt: skip


def test_nothing_to_record(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "--out", str(tmp_path)])
    with pytest.raises(UserError, match="records no training"):
        published_results.main()


def test_what_solvers_left_has_a_panel_of_its_own():
    solved = training(network="MDEQ-Tiny", residuals=(None, 0.1, 0.01))
    (panel,) = published_results.residual_panels([training(), solved])
    (curve,) = panel.curves
    assert curve.name == "MDEQ-Tiny"
    assert math.isnan(curve.values[0])
    assert curve.values[1:] == pytest.approx((-1, -2))
    assert render_panels([panel]).startswith(b"\x89PNG")
    assert published_results.residual_panels([training()]) == []
