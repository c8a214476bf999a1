import json
import sys

import pytest

from benchmarks import entry, fast_recipe
from records.errors import UserError
from tests.training.networks import write_arrays
from training import fit
from training.data.lookup import dataset_info
from training.recipes.named import get_recipe


def test_augmentation_is_the_published_ones():
    recipe = fast_recipe.fast_for("MNIST-Residual", 4)
    assert (recipe.crop, recipe.epochs, recipe.schedule) == (0.0, 4, "one-cycle")
    assert fast_recipe.fast_for("DARTS", 4).cutout == 0.5
    assert fast_recipe.fast_for("ResNet-Global", 30) == get_recipe("fast")


def test_table_has_mean_and_deviation_over_seeds():
    run = {"network": "A", "dataset": "mnist", "train_images": 5400, "validation_images": 600, "recipe": "fast", "epochs": 4,
           "cpu_seconds": 10.0}  # fmt: skip
    records = [run | {"seed": s, "accuracy": a} for s, a in enumerate((0.9, 0.92, 0.94))]
    records.append(run | {"recipe": "mnist", "epochs": 160, "seed": 0, "accuracy": 0.5})
    lines = fast_recipe.accuracy_table(records).splitlines()[2:]
    assert lines[0] == "| A | mnist | 5,400 | fast | 4 | 92.00 | 2.00 | 3 | 10 |"
    assert lines[1] == "| A | mnist | 5,400 | mnist | 160 | 50.00 | - | 1 | 10 |"


@pytest.mark.parametrize(
    "name", ["network", "dataset", "train_images", "validation_images", "recipe", "epochs", "seed"]
)
def test_a_run_is_done_again_when_anything_differs(name):
    run = {
        "network": "A",
        "dataset": "d",
        "train_images": 1,
        "validation_images": 1,
        "recipe": "r",
        "epochs": 1,
        "seed": 0,
    }
    assert fast_recipe.key(run | {"accuracy": 0.5}) == fast_recipe.key(run | {"accuracy": 0.6})
    assert fast_recipe.key(run) != fast_recipe.key(run | {name: "other"})


def test_a_stopped_call_goes_on_after_the_last_whole_epoch(tmp_path, monkeypatch):
    write_arrays(tmp_path / "mnist.npz", dataset_info("mnist"), train=400)
    out, checkpoints = tmp_path / "fast.jsonl", tmp_path / "checkpoints"
    arguments = ["x", "--data-dir", tmp_path, "--network", "MNIST-Convolution", "--only-fast", "--seeds", 1,
                 "--fast-epochs", 3, "--validation", 0.25, "--out", out, "--checkpoints", checkpoints]  # fmt: skip
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in arguments])
    began = []

    def stopped(self, epoch, seed, progress):
        began.append(epoch)
        if epoch == 2 and began.count(2) == 1:
            raise KeyboardInterrupt
        return whole(self, epoch, seed, progress)

    whole = fit._Run.epoch
    monkeypatch.setattr(fit._Run, "epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        fast_recipe.main()
    assert out.read_text() == ""
    assert len(list(checkpoints.iterdir())) == 1
    fast_recipe.main()
    (record,) = map(json.loads, out.read_text().splitlines())
    assert began == [0, 1, 2, 2]
    assert len(record["history"]) == 3
    assert fast_recipe.key(record) == ("MNIST-Convolution", "mnist", 300, 100, "fast", 3, 0)
    assert not list(checkpoints.iterdir())
    fast_recipe.main()
    assert began == [0, 1, 2, 2]


def test_without_images_that_judge_nothing_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "--data-dir", str(tmp_path), "--validation", "0"])
    with pytest.raises(UserError, match="validation is 0; accepted: above 0"):
        fast_recipe.main()


def test_a_mistake_is_one_line(capsys):
    def main():
        raise UserError("network is 'x'")

    with pytest.raises(SystemExit) as ended:
        entry(main)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: network is 'x'\n"
