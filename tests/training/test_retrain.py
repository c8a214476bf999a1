import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from records.errors import UserError
from records.run_files.settings_file import read_run_record
from tests.training.data.test_dataset_facts import folder
from tests.training.networks import TinyGenotype, write_arrays
from training import retrain as retraining
from training.data.loading import load_data
from training.data.lookup import dataset_info
from training.evaluate import evaluate
from training.export import load_weights
from training.recipes.named import get_recipe
from training.retrain import RetrainSettings, retrain

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text()
SETTINGS = RetrainSettings(
    recipe=get_recipe("search", epochs=3, batch_size=32), seed=2, validation=0.1, threads=1
)


def test_leaves_a_folder_from_which_the_network_can_be_used(tmp_path):
    out = tmp_path / "trained"
    result = retrain(TinyGenotype(), SETTINGS, out)
    assert sorted(entry.name for entry in out.iterdir()) == [
        "genotype.json", "result.json", "settings.json", "weights.safetensors",
    ]  # fmt: skip
    assert json.loads((out / "result.json").read_text()) == result
    model = TinyGenotype().build()
    load_weights(model, out / "weights.safetensors")
    test = load_data("digits").test
    assert evaluate(model, test) == result["test_accuracy"] > 0.25
    assert result["test_images"] == 360
    assert torch.tensor(result["confusion"]).sum() == 360
    assert torch.tensor(result["confusion"]).diag().sum() == round(result["test_accuracy"] * 360)
    assert [e["epoch"] for e in result["history"]] == [1, 2, 3]
    assert result["validation_accuracy"] == result["history"][-1]["accuracy"]
    assert result["versions"]["torch"] == torch.__version__.split("+")[0]
    assert result["settings"]["seed"] == 2
    told = re.findall(
        r"^\| (`.*?) \|", PAGE[PAGE.index("| field of `result.json`") : PAGE.index("## MACs")], re.MULTILINE
    )
    assert re.findall(r"`(\w+)`", " ".join(told)) == list(result)


def test_off_a_terminal_each_epoch_is_a_line(tmp_path, capsys):
    result = retrain(TinyGenotype(), SETTINGS, tmp_path / "trained", progress=True)
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"[{n}/3] epoch {n}" for n in (1, 2, 3)]
    last = result["history"][-1]
    assert f"loss {last['loss']:.4f}, " in lines[2]
    assert f"training accuracy {100 * last['train_accuracy']:.2f}%, " in lines[2]
    assert f"validation accuracy {100 * last['accuracy']:.2f}%, " in lines[2]
    assert lines[2].endswith(f"{last['seconds']:.1f} s")


class Stop(Exception):
    """Takes the place of a crash."""


def without_times(result):
    history = [epoch | {"seconds": 0} for epoch in result["history"]]
    return result | {"seconds": 0, "history": history}


def test_goes_on_where_it_was_stopped(tmp_path):
    expected = retrain(TinyGenotype(), SETTINGS, tmp_path / "whole")

    def stop(epoch):
        if epoch.epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        retrain(TinyGenotype(), SETTINGS, tmp_path / "parts", on_epoch=stop)
    assert not (tmp_path / "parts" / "result.json").exists()
    found = retrain(TinyGenotype(), SETTINGS, tmp_path / "parts")
    assert without_times(found) == without_times(expected)


def test_one_whose_folder_is_moved_meanwhile_ends_and_goes_on_there(tmp_path):
    expected = retrain(TinyGenotype(), SETTINGS, tmp_path / "whole")

    def move(epoch):
        if epoch.epoch == 2:
            (tmp_path / "a").rename(tmp_path / "b")

    with pytest.raises(
        UserError, match=r"cannot write .*a/checkpoint.pt: .*the folder is not there, or not any more"
    ):
        retrain(TinyGenotype(), SETTINGS, tmp_path / "a", on_epoch=move)
    assert not (tmp_path / "a").exists()
    assert without_times(retrain(TinyGenotype(), SETTINGS, tmp_path / "b")) == without_times(expected)


def test_two_at_once_do_not_train_in_one_folder(tmp_path):
    def meanwhile(epoch):
        with pytest.raises(UserError, match=r"is at work on .*; wait for it, or give another folder"):
            retrain(TinyGenotype(), SETTINGS, tmp_path / "a")
        other = dataclasses.replace(SETTINGS, seed=7)
        with pytest.raises(UserError, match="seed was 2, now 7"):
            retrain(TinyGenotype(), other, tmp_path / "a")
        raise Stop

    with pytest.raises(Stop):
        retrain(TinyGenotype(), SETTINGS, tmp_path / "a", on_epoch=meanwhile)
    assert retrain(TinyGenotype(), SETTINGS, tmp_path / "a")["settings"]["seed"] == 2


def test_who_begins_at_the_same_moment_finds_the_others_training(tmp_path, monkeypatch):
    """Both have seen an empty folder; the other one's settings stand there first."""
    claim = retraining._claim

    def late(folder, genotype, settings, info):
        monkeypatch.setattr(retraining, "_claim", claim)
        retrain(TinyGenotype(), dataclasses.replace(SETTINGS, seed=7), folder)
        claim(folder, genotype, settings, info)

    monkeypatch.setattr(retraining, "_claim", late)
    with pytest.raises(UserError, match="seed was 7, now 2"):
        retrain(TinyGenotype(), SETTINGS, tmp_path / "a")
    assert json.loads((tmp_path / "a" / "result.json").read_text())["settings"]["seed"] == 7


@pytest.mark.parametrize("change", [{"history": [{"epoch": 1}]}, {"model": {}}, {"optimizer": 3}])
def test_a_checkpoint_of_something_else_is_told(tmp_path, change):
    def stop(epoch):
        raise Stop

    with pytest.raises(Stop):
        retrain(TinyGenotype(), SETTINGS, tmp_path / "a", on_epoch=stop)
    path = tmp_path / "a" / "checkpoint.pt"
    torch.save(torch.load(path, weights_only=True) | change, path)
    with pytest.raises(UserError, match=r"checkpoint\.pt is not of this training; delete it to begin again"):
        retrain(TinyGenotype(), SETTINGS, tmp_path / "a")


def test_weights_that_are_gone_are_told(tmp_path):
    retrain(TinyGenotype(), SETTINGS, tmp_path / "a")
    (tmp_path / "a" / "weights.safetensors").unlink()
    with pytest.raises(
        UserError, match=r"holds a training whose weights\.safetensors is gone; train it again"
    ):
        read_run_record(tmp_path / "a")


def test_a_finished_training_is_read_back(tmp_path):
    first = retrain(TinyGenotype(), SETTINGS, tmp_path / "a")
    assert retrain(TinyGenotype(), SETTINGS, tmp_path / "a") == first


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no weights file"), (b"\x08", "is damaged or no safetensors file")]
)
def test_a_finished_training_without_its_weights_is_not_told_as_one(tmp_path, content, said):
    short = dataclasses.replace(SETTINGS, recipe=SETTINGS.recipe.replace(epochs=1))
    first = retrain(TinyGenotype(), short, tmp_path / "a")
    weights = tmp_path / "a" / "weights.safetensors"
    before = weights.read_bytes()
    if content is None:
        weights.unlink()
    else:
        weights.write_bytes(content)
    with pytest.raises(
        UserError, match=rf"{said}.*; give another folder, or remove .*result\.json to train anew"
    ):
        retrain(TinyGenotype(), short, tmp_path / "a")
    (tmp_path / "a" / "result.json").unlink()
    again = retrain(TinyGenotype(), short, tmp_path / "a")
    assert weights.read_bytes() == before
    assert again["test_accuracy"] == first["test_accuracy"]


def test_a_finished_trainings_genotype_is_written_again(tmp_path):
    retrain(TinyGenotype(), SETTINGS, tmp_path / "a")
    before = (tmp_path / "a" / "genotype.json").read_bytes()
    (tmp_path / "a" / "genotype.json").unlink()
    retrain(TinyGenotype(), SETTINGS, tmp_path / "a")
    assert (tmp_path / "a" / "genotype.json").read_bytes() == before


def test_another_run_in_the_folder_is_refused(tmp_path):
    retrain(TinyGenotype(), SETTINGS, tmp_path / "a")
    other = RetrainSettings(recipe=SETTINGS.recipe.replace(epochs=4), seed=3, validation=0.1, threads=1)
    with pytest.raises(UserError, match="recipe epochs was 3, now 4; seed was 2, now 3"):
        retrain(TinyGenotype(), other, tmp_path / "a")
    with pytest.raises(UserError, match="genotype was"):
        retrain(TinyGenotype(scale=2.0), SETTINGS, tmp_path / "a")


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty and holds no training to continue"):
        retrain(TinyGenotype(), SETTINGS, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_a_damaged_result_is_told_and_no_other_is_written(tmp_path):
    short = dataclasses.replace(SETTINGS, recipe=SETTINGS.recipe.replace(epochs=1))
    retrain(TinyGenotype(), short, tmp_path / "a")
    path = tmp_path / "a" / "result.json"
    for content in ("", "[1]", "{}", '{"test_accuracy": "x"}', '{"test_accuracy": 5}'):
        path.write_text(content)
        with pytest.raises(
            UserError, match=r"^.*result\.json is damaged: .*; give another folder, or remove"
        ):
            retrain(TinyGenotype(), short, tmp_path / "a")
        assert path.read_text() == content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"dataset_info": {"mean": "a"}},
            "dataset_info in .*settings.json is damaged: {'mean': 'a'} is no record",
        ),
        ({"dataset_info": "x"}, "dataset_info in .*settings.json is damaged: 'x' is no record"),
        ({"settings": {"data_dir": 5}}, "settings.json is damaged: data_dir is 5; accepted: text"),
    ],
)
def test_a_training_whose_settings_were_damaged_is_not_gone_on_with(tmp_path, change, said):
    short = dataclasses.replace(SETTINGS, recipe=SETTINGS.recipe.replace(epochs=1))
    retrain(TinyGenotype(), short, tmp_path / "a")
    (tmp_path / "a" / "result.json").unlink()
    path = tmp_path / "a" / "settings.json"
    record = json.loads(path.read_text())
    settings = record["settings"] | change.get("settings", {})
    path.write_text(json.dumps(record | change | {"settings": settings}))
    with pytest.raises(UserError, match=said):
        retrain(TinyGenotype(), short, tmp_path / "a")


def test_a_training_that_cannot_begin_leaves_the_folder_free(tmp_path):
    absent = RetrainSettings(dataset="folder", data_dir=str(tmp_path / "none"), recipe=SETTINGS.recipe)
    with pytest.raises(UserError, match="none"):
        retrain(TinyGenotype(), absent, tmp_path / "a")
    retrain(TinyGenotype(), SETTINGS, tmp_path / "a")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(UserError, match=r"a is a file; give a folder"):
        retrain(TinyGenotype(), SETTINGS, tmp_path / "a")


def test_a_device_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="device is 'foo'; accepted: auto, cpu"):
        retrain(TinyGenotype(), dataclasses.replace(SETTINGS, device="foo"), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_negative_threads():
    with pytest.raises(UserError, match="threads is -1; accepted: a whole number from 0 to 1024"):
        RetrainSettings(threads=-1)


def test_negative_seed():
    with pytest.raises(UserError, match="seed is -1"):
        RetrainSettings(seed=-1)


def test_an_earlier_versions_training_on_imagenet_goes_on(tmp_path):
    data = folder(tmp_path / "data", [(8, 8)] * 8, mode="RGB")
    genotype = TinyGenotype(image=(3, 8, 8), classes=2)
    settings = dataclasses.replace(
        SETTINGS, recipe=SETTINGS.recipe.replace(epochs=1, batch_size=8), dataset="imagenet",
        data_dir=str(data), validation=0.0, workers=0,
    )  # fmt: skip
    result = retrain(genotype, settings, tmp_path / "a")
    record = json.loads((tmp_path / "a" / "settings.json").read_text())
    record["settings"]["image_size"] = 224  # whatever the images
    (tmp_path / "a" / "settings.json").write_text(json.dumps(record))
    assert retrain(genotype, settings, tmp_path / "a") == result


def test_one_size_has_one_form():
    assert {RetrainSettings(image_size=size).image_size for size in (28, "28", "28x28", " 28 X 28")} == {28}
    assert RetrainSettings(image_size="28X32").image_size == "28x32"
    assert RetrainSettings().image_size is None


def test_data_of_the_same_name_elsewhere_are_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_arrays(tmp_path / name / "my.npz", dataset_info("digits"))
    short = dataclasses.replace(SETTINGS, recipe=SETTINGS.recipe.replace(epochs=1), validation=0.0)
    one = dataclasses.replace(short, dataset="a/my.npz")
    other = dataclasses.replace(short, dataset="b/my.npz")
    out = tmp_path / "out"
    result = retrain(TinyGenotype(), one, out)
    same = dataclasses.replace(one, dataset=str(tmp_path / "a" / "my.npz"), data_dir=None)
    assert retrain(TinyGenotype(), same, out) == result
    with pytest.raises(UserError, match=rf"out was trained on the data in {tmp_path}/a; give another --out"):
        retrain(TinyGenotype(), other, out)
    (out / "result.json").unlink()
    with pytest.raises(UserError, match=rf"out was trained on the data in {tmp_path}/a; give another --out"):
        retrain(TinyGenotype(), other, out)
    (tmp_path / "b" / "my.npz").unlink()
    (tmp_path / "b").rmdir()
    (tmp_path / "a").rename(tmp_path / "b")  # moved, in the midst of a training
    assert retrain(TinyGenotype(), other, out)["test_accuracy"] == result["test_accuracy"]
    assert json.loads((out / "settings.json").read_text())["settings"]["data_dir"] == str(tmp_path / "b")


@pytest.mark.parametrize("ended", [True, False])
def test_images_that_changed_are_not_told_the_old_accuracy(tmp_path, capsys, ended):
    data = tmp_path / "my.npz"
    write_arrays(data, dataset_info("digits"))
    own = dataclasses.replace(
        SETTINGS, recipe=SETTINGS.recipe.replace(epochs=1), dataset=str(data), data_dir=None, validation=0.0
    )
    out = tmp_path / "out"
    result = retrain(TinyGenotype(), own, out)
    assert retrain(TinyGenotype(), own, out, progress=True) == result
    assert f"trained before, and read back from {out}; another --out trains anew" in capsys.readouterr().out
    if not ended:
        (out / "result.json").unlink()
    with np.load(data) as arrays:
        changed = dict(arrays) | {"x_test": 255 - arrays["x_test"]}
    np.savez(data, **changed)
    with pytest.raises(UserError, match="images were added, .*; accepted: the same data, or another --out"):
        retrain(TinyGenotype(), own, out)
    data.unlink()
    if ended:  # where nothing is left to compare with, it is what it was
        assert retrain(TinyGenotype(), own, out) == result


def test_a_relative_place_of_the_data_is_that_of_whoever_began(tmp_path, monkeypatch):
    """The same words in another working folder name other data, and other words there the same."""
    for name in ("a", "b"):
        (tmp_path / name / "data").mkdir(parents=True)
        write_arrays(tmp_path / name / "data" / "my.npz", dataset_info("digits"))
    monkeypatch.chdir(tmp_path / "a")
    recipe = SETTINGS.recipe.replace(epochs=1)
    own = {"recipe": recipe, "dataset": "my.npz", "validation": 0.0}
    first = RetrainSettings(**own, data_dir="data")
    result = retrain(TinyGenotype(), first, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "b")
    with pytest.raises(UserError, match=rf"was trained on the data in {tmp_path}/a/data"):
        retrain(TinyGenotype(), RetrainSettings(**own, data_dir="data"), tmp_path / "out")
    same = RetrainSettings(**own, data_dir="../a/data")
    assert same == first
    assert retrain(TinyGenotype(), same, tmp_path / "out") == result
