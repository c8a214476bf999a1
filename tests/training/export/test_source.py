"""Exports as a user makes them: from runs, trainings, sweeps, and genotypes of unknown origin."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

import pde_nas
import run_search
from analysis import pick
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from search_space import Genotype, sample
from tests.analysis.samples.runs import FIVE, make_run, measurement
from tests.training.data.test_dataset_facts import folder
from training.data.datasets import DatasetInfo
from training.data.loading import load_data
from training.data.lookup import dataset_info
from training.export.model_facts import recorded_dataset
from training.export.source import gather

INFO = DatasetInfo("own", (1, 8, 8), 10, (0.25,), (0.5,), flip=True, class_names=tuple("abcdefghij"))


def run(*words) -> int:
    return run_search.main([str(word) for word in words])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run's folder and that of a training of its best network, made by the command."""
    folder = tmp_path_factory.mktemp("trained")
    path = make_run(folder / "run", FIVE)
    Genotype.from_json(FIVE[4].genotype).save(path / "best.json")
    assert run("retrain", path / "best.json", "--epochs", 8, "--out", folder / "training") == 0
    return path, folder / "training"


@pytest.mark.parametrize("named", ["run", "training", "genotype"])
def test_raw_pixels_give_the_networks_accuracy(trained, named, tmp_path, capsys):
    path, training = trained
    result = json.loads((training / "result.json").read_text())
    words = {
        "run": [path, "--weights", training / "weights.safetensors"],
        "training": [training],
        "genotype": [path / "best.json", "--weights", training / "weights.safetensors"],
    }[named]
    assert run("export", *words, "--out", tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert f"{100 * result['test_accuracy']:.2f}% test accuracy of 360 images" in said
    content = json.loads((tmp_path / "out" / "model.json").read_text())
    assert content["accuracy"] == {"value": result["test_accuracy"], "set": "test", "images": 360}
    assert content["dataset"] == "digits"

    test = load_data("digits").test
    pixels, labels = test.images.float(), test.labels
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "model.onnx"))
    (by_onnx,) = session.run(["logits"], {"images": pixels.numpy()})
    program = torch.export.load(tmp_path / "out" / "model.pt2").module()
    assert result["test_accuracy"] > 0.5  # far from what wrongly scaled pixels give
    for logits in (torch.from_numpy(by_onnx), program(pixels)):
        accuracy = float((logits.argmax(1) == labels).double().mean())
        assert accuracy == pytest.approx(result["test_accuracy"], abs=1 / 360)
    network = Genotype.load(path / "best.json").build()
    network.load_state_dict(load_file(training / "weights.safetensors"))
    with torch.no_grad():
        expected = network.eval()(test.normalised(test.images))
    np.testing.assert_allclose(by_onnx, expected.numpy(), atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize(
    ("status", "words"), [("failed", "failed"), ("cancelled", "was cancelled"), ("ok", "")]
)
def test_without_weights_the_terminal_says_untrained(tmp_path, capsys, monkeypatch, status, words):
    path = make_run(tmp_path / "run", [*FIVE, measurement(5, None, 10, status="failed")])
    if status == "cancelled":
        import analysis
        import pde_nas

        choice = analysis.choose(path, 5)
        told = dataclasses.replace(choice, measurement=dataclasses.replace(choice.measurement, status=status))
        monkeypatch.setattr(pde_nas, "picked", lambda *_: [told])
    assert run("export", path, "--pick", 4 if status == "ok" else 5) == 0
    out = capsys.readouterr().out
    assert "UNTRAINED: random weights" in out
    assert words in out
    content = json.loads((path / "export" / "model.json").read_text())
    assert content["weights"].startswith("UNTRAINED")
    assert words in content["weights"]
    assert content["candidate"]["status"] == status


def test_a_sweeps_folder_gives_the_best_of_its_searches(tmp_path, capsys):
    path = RunFolder.create(tmp_path / "sweep", {"kind": "sweep", "searches": 1, "shared": {}}).path
    make_run(path / "searches" / "one", FIVE[:2])
    two = make_run(path / "searches" / "two", FIVE[2:])
    assert run("export", path) == 0
    assert Genotype.load(path / "export" / "genotype.json").to_json() == FIVE[4].genotype
    (two / "outcome.json").write_text("{}")
    assert run("report", path) == 0
    assert (path / "comparison.csv").is_file()


def record(folder, content) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(content))


def test_a_folder_says_on_which_data_it_was(tmp_path):
    settings = {"dataset": "digits", "data_dir": None}
    record(tmp_path / "run", {"settings": settings, "resolved": {"dataset": INFO.to_json()}})
    record(tmp_path / "training", {"settings": settings, "dataset_info": INFO.to_json()})
    record(tmp_path / "former", {"settings": settings})
    record(tmp_path / "gone", {"settings": {"dataset": "folder", "data_dir": str(tmp_path / "nowhere")}})
    record(tmp_path / "strange", {"settings": settings, "resolved": {"dataset": {"colour": "red"}}})
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "settings.json").write_text("{")
    assert recorded_dataset(tmp_path / "run") == INFO
    assert recorded_dataset(tmp_path / "training") == INFO
    assert recorded_dataset(tmp_path / "former") == dataset_info("digits")
    for name in ("gone", "nothing"):
        assert recorded_dataset(tmp_path / name) is None
    for name, said in (
        ("strange", "{'colour': 'red'} is no record of a data set"),
        ("damaged", "it is not JSON"),
    ):
        with pytest.raises(UserError, match=rf"{name}/settings.json is damaged: {said}"):
            recorded_dataset(tmp_path / name)


def test_the_data_of_the_weights_training_decide(tmp_path):
    genotype = Genotype.from_json(FIVE[4].genotype)
    record(tmp_path / "run", {"settings": {"dataset": "digits"}})
    record(tmp_path / "training", {"settings": {"dataset": "digits"}, "dataset_info": INFO.to_json()})
    weights = tmp_path / "training" / "weights.safetensors"
    assert gather(genotype, weights, tmp_path / "run").dataset == INFO
    assert gather(genotype, None, tmp_path / "run").dataset == dataset_info("digits")
    assert gather(genotype, weights, tmp_path / "run", dataset="none").dataset is None


def test_an_unknown_normalisation_is_asked_for(tmp_path, capsys):
    genotype = Genotype.from_json(FIVE[4].genotype)
    path = genotype.save(tmp_path / "g.json")
    assert run("export", path) == 2
    assert "name it with --dataset (digits, " in capsys.readouterr().err
    assert not (tmp_path / "export").exists()
    assert run("export", path, "--dataset", "digits") == 0
    assert run("export", path, "--dataset", "none", "--out", tmp_path / "plain") == 0
    assert "Input: normalised images" in capsys.readouterr().out
    assert run("export", path, "--dataset", "cifar10", "--out", tmp_path / "no") == 2
    assert "dataset cifar10 has (3, 32, 32) and 10" in capsys.readouterr().err


def test_weights_of_another_genotype_are_refused(tmp_path):
    genotype = sample("darts-global", 1, image=(1, 8, 8), width=4, cells=2)
    record(tmp_path / "training", {"genotype": "0123456789abcdef", "settings": {"dataset": "digits"}})
    with pytest.raises(UserError, match="was trained as genotype 0123456789abcdef; what is exported is"):
        gather(genotype, tmp_path / "training" / "weights.safetensors", None)


def test_a_former_training_on_image_folders_had_imagenets_mean(tmp_path):
    data = folder(tmp_path / "data", [(8, 8)] * 2)
    record(tmp_path / "former", {"settings": {"dataset": "folder", "data_dir": str(data), "image_size": 224}})
    found = recorded_dataset(tmp_path / "former")
    imagenet = dataset_info("imagenet", data)
    assert found == dataclasses.replace(imagenet, name="folder")
    assert found.image == (3, 224, 224)


def test_image_folders_are_brought_to_the_genotypes_size_and_colour(tmp_path):
    data = folder(tmp_path / "data", [(20, 30)] * 2, mode="RGB")
    genotype = sample("darts-global", 1, image=(1, 16, 16), classes=2, width=4, cells=2)
    found = gather(genotype, None, None, dataset="folder", data_dir=str(data)).dataset
    assert (found.image, len(found.mean)) == ((1, 16, 16), 1)


def test_a_trainings_accuracy_is_of_its_own_weights_alone(tmp_path):
    genotype = Genotype.from_json(FIVE[4].genotype)
    record(tmp_path / "training", {"settings": {"dataset": "digits"}})
    (tmp_path / "training" / "result.json").write_text('{"test_accuracy": 0.5, "test_images": 360}')
    accuracy = {
        name: gather(genotype, tmp_path / "training" / f"{name}.safetensors", None).accuracy
        for name in ("weights", "mine")
    }
    assert accuracy["weights"].value == 0.5
    assert accuracy["mine"] is None


def test_a_front_is_exported_at_once_each_point_with_its_own_training(tmp_path, capsys):
    path = make_run(tmp_path / "run", FIVE)
    points = [choice.measurement.index for choice in pick(path, "front")]
    assert len(points) > 1
    assert run("retrain", path, "--pick", f"index={points[0]}", "--epochs", 1, "--train-limit", 300) == 0
    capsys.readouterr()
    assert run("export", path, "--pick", "front", "--format", "onnx,int8") == 0
    said = capsys.readouterr().out
    for number, index in enumerate(points):
        folder = path / "export" / f"candidate{index}"
        content = json.loads((folder / "model.json").read_text())
        assert content["candidate"]["index"] == index
        assert content["weights"].startswith("trained" if number == 0 else "UNTRAINED")
        assert content["int8"]["test_images"] == 360
        assert (folder / "model-int8.onnx").is_file()
        assert f"{folder}: genotype.json" in said
    assert run("export", path, "--pick", "front", "--weights", "w.safetensors") == 2
    assert "--weights goes with one candidate" in capsys.readouterr().err
    with pytest.raises(UserError, match=f"pick is front, {len(points)} candidates; accepted here: one"):
        pde_nas.export(path, "front")


def test_a_file_that_is_named_is_not_looked_for_where_the_runs_was(tmp_path, monkeypatch, capsys):
    images, labels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8), np.arange(40) % 10
    (tmp_path / "dat").mkdir()
    for name in ("my", "other"):
        np.savez(
            tmp_path / "dat" / f"{name}.npz", x_train=images, y_train=labels, x_test=images, y_test=labels
        )
    run_folder = make_run(tmp_path / "run", FIVE[:1])
    record = json.loads((run_folder / "settings.json").read_text())
    record["settings"] |= {"dataset": "my.npz", "data_dir": str(tmp_path / "dat")}
    (run_folder / "settings.json").write_text(json.dumps(record))
    monkeypatch.chdir(tmp_path)
    for number, named in enumerate(["dat/my.npz", "./dat/other.npz"]):
        out = tmp_path / f"out{number}"
        assert run("export", run_folder, "--format", "int8", "--dataset", named, "--out", out) == 0
        assert (out / "model-int8.onnx").is_file()
    capsys.readouterr()
    assert run("export", run_folder, "--format", "int8", "--data-dir", "nowhere", "--out", "out2") == 2
    assert "asked for and not written: int8; why stands above" in capsys.readouterr().err
    assert run("export", run_folder, "--format", "python,int8", "--data-dir", "nowhere", "--out", "out3") == 2
    out, err = capsys.readouterr()
    assert (tmp_path / "out3/model.py").is_file()
    assert "no ONNX, int8: it needs images" in out
    assert err.startswith(
        "error: asked for and not written: int8; why stands above. What was written stays in out3"
    )
    monkeypatch.chdir(tmp_path / "dat")  # the run's own data set by its name, after the run's data were moved
    record["settings"]["data_dir"] = str(tmp_path / "gone")
    (run_folder / "settings.json").write_text(json.dumps(record))
    assert (
        run("export", run_folder, "--format", "int8", "--dataset", "my.npz", "--out", tmp_path / "out4") == 0
    )
