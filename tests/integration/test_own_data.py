"""Data of one's own through the command line and NNI: small grey images stay small and grey."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import run_search
from training.data.arrays import save_arrays
from training.data.sources.digits import read_digits

SMALL = (
    "--strategy",
    "random",
    "--trials",
    "2",
    "--epochs",
    "1",
    "--width",
    "4",
    "--cells",
    "2",
    "--port",
    "0",
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """Digits as grey files of 28x28 pixels, with names that ask for trouble."""
    path = tmp_path_factory.mktemp("it's my <data>")
    images, labels = read_digits()
    for number, (image, label) in enumerate(zip(images[:400, 0], labels[:400], strict=True)):
        folder = path / ("val" if number % 4 == 0 else "train") / f'"{label}" \u4e2d'
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).resize((28, 28)).save(folder / f"{number} #.PNG")
    (path / "train" / ".DS_Store").touch()
    return path


def run(*words: object) -> int:
    return run_search.main([str(word) for word in words])


def test_a_search_its_resume_and_its_retraining(folders, tmp_path, capsys):
    run_dir = tmp_path / "run"
    data = ("--dataset", "folder", "--data-dir", folders)
    assert run("search", *data, *SMALL, "--run-dir", run_dir) == 0
    settings = json.loads((run_dir / "settings.json").read_text())
    facts = settings["resolved"]["dataset"]
    assert (facts["image"], facts["classes"], facts["flip"]) == ([1, 28, 28], 10, False)
    assert facts["class_names"][3] == '"3" \u4e2d'
    assert 0.2 < facts["mean"][0] < 0.4
    assert [settings["resolved"][f"{part}_images"] for part in ("train", "validation", "test")] == [
        240,
        60,
        100,
    ]
    candidates = [json.loads(line) for line in (run_dir / "candidates.jsonl").read_text().splitlines()]
    assert [candidate["status"] for candidate in candidates] == ["ok"] * 2
    assert all(candidate["macs"] < 10_000_000 for candidate in candidates)
    assert all(candidate["genotype"]["image"] == [1, 28, 28] for candidate in candidates)

    assert run("resume", run_dir, "--trials", 3, "--port", 0) == 0
    assert len((run_dir / "candidates.jsonl").read_text().splitlines()) == 3

    out = tmp_path / "trained"
    training = ("retrain", run_dir / "best.json", *data, "--epochs", 1, "--batch-size", 64, "--out", out)
    assert run(*training) == 0
    result = json.loads((out / "result.json").read_text())
    assert result["dataset_info"] == json.loads((out / "settings.json").read_text())["dataset_info"] == facts

    (folders / "train" / "other").mkdir()
    (folders / "val" / "other").mkdir()
    for part in ("train", "val"):
        Image.new("L", (28, 28)).save(folders / part / "other" / "0.png")
    capsys.readouterr()
    assert run("resume", run_dir, "--trials", 4, "--port", 0) == 2
    said = capsys.readouterr().err
    assert said == (
        f"error: the data in {folders} are others than the run began with: classes are 11, were 10; accepted: the same "
        "data\n"
    )


def test_arrays_of_ones_own_without_the_portal(tmp_path):
    images, labels = read_digits()
    path = save_arrays(
        tmp_path / "My digits #1.npz", images[:300], labels[:300], images[300:400], labels[300:400],
        class_names=[f"{n} //" for n in range(10)],
    )  # fmt: skip
    words = ("--strategy", "darts", "--portal", "off", "--supernet-epochs", 1, "--trials", 1, "--epochs", 1)
    small = ("--width", 4, "--cells", 2, "--primitives", "skip_connect,global_1", "--threads", 1)
    run_dir = tmp_path / "run"
    assert run("search", "--dataset", path, *words, *small, "--flip", "on", "--run-dir", run_dir) == 0
    settings = json.loads((run_dir / "settings.json").read_text())
    assert settings["settings"]["dataset"] == "My digits #1.npz"
    facts = settings["resolved"]["dataset"]
    assert (facts["image"], facts["flip"], facts["class_names"][9]) == ([1, 8, 8], True, "9 //")
    np.testing.assert_allclose(facts["mean"], (images[:300] / 255).mean(), atol=1e-6)
    (candidate,) = (run_dir / "candidates.jsonl").read_text().splitlines()
    assert json.loads(candidate)["genotype"]["image"] == [1, 8, 8]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--train-limit", 5], "train_limit is 5; accepted: 80 or more: each of the 10 classes is trained on and held"),
        (["--validation", 0.001], "validation 0.001 of 1437 images is 1; accepted: a share from 0.00696 to 0.993"),
        (["--batch-size", 2000], "batch_size is 2000; there are 1150 images to train on"),
        (["--strategy", "darts", "--train-limit", 5], "train_limit is 5; accepted: 80 or more"),
        (["--image-size", 16], "image_size is 16x16; dataset digits has images of 8x8"),
        (["--image-size", "16x"], "--image-size: image_size is '16x'; accepted: pixels a side, such as 28, or HxW"),
        (["--channels", 2], "channels is 2; accepted: 1 (grey) or 3 (colour)"),
        (["--flip", "yes"], "flip is 'yes'; accepted: on, off"),
        (["--dataset", "nowhere.npz"], "nowhere.npz; it must hold the arrays x_train"),
        (["--dataset", "folder"], "dataset folder needs a data directory with train/<class>/"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path, capsys, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert run_code("search", *words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert said in error
    assert list(tmp_path.iterdir()) == []


def run_code(*words: object) -> int:
    try:
        return run(*words)
    except SystemExit as stop:
        return int(stop.code or 0)
