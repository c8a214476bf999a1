import pytest

from benchmarks import fast_recipe
from training.recipes import get_recipe


def test_augmentation_is_the_published_ones():
    recipe = fast_recipe.fast_for("MNIST-Residual", 4)
    assert (recipe.crop, recipe.epochs, recipe.schedule) == (0.0, 4, "one-cycle")
    assert fast_recipe.fast_for("DARTS", 4).cutout == 0.5
    assert fast_recipe.fast_for("ResNet-Global", 30) == get_recipe("fast")


def test_table_has_mean_and_deviation_over_seeds():
    run = {"network": "A", "dataset": "mnist", "train_images": 5400, "recipe": "fast", "epochs": 4,
           "cpu_seconds": 10.0}  # fmt: skip
    records = [run | {"seed": s, "accuracy": a} for s, a in enumerate((0.9, 0.92, 0.94))]
    records.append(run | {"recipe": "mnist", "epochs": 160, "seed": 0, "accuracy": 0.5})
    lines = fast_recipe.table(records).splitlines()[2:]
    assert lines[0] == "| A | mnist | 5,400 | fast | 4 | 92.00 | 2.00 | 3 | 10 |"
    assert lines[1] == "| A | mnist | 5,400 | mnist | 160 | 50.00 | - | 1 | 10 |"


@pytest.mark.parametrize("name", ["network", "dataset", "train_images", "recipe", "epochs", "seed"])
def test_a_run_is_done_again_when_anything_differs(name):
    run = {"network": "A", "dataset": "d", "train_images": 1, "recipe": "r", "epochs": 1, "seed": 0}
    assert fast_recipe.key(run | {"accuracy": 0.5}) == fast_recipe.key(run | {"accuracy": 0.6})
    assert fast_recipe.key(run) != fast_recipe.key(run | {name: "other"})
