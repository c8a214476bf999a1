"""Small samples of real data sets, where they lie beside the repository."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from training.data.loading import load_data

PACKED = Path(__file__).resolve().parents[4] / "shared" / "data"
LIMIT = 1000  # images of each part
pytestmark = pytest.mark.skipif(
    not (PACKED / "unpack.py").is_file(), reason="no real data sets lie beside the repository"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("real")
    for name in ("cifar10", "cifar100", "mnist"):
        command = [
            sys.executable,
            PACKED / "unpack.py",
            "--dataset",
            name,
            "--out",
            root,
            "--limit",
            str(LIMIT),
        ]
        subprocess.run(command, check=True, capture_output=True)
    return root


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist"])
def test_a_real_data_set_is_what_its_record_says(folder, name):
    """Shapes, classes and their names, and mean and deviation as far as a thousand images tell."""
    data = load_data(name, folder, validation=0.1)
    info = data.info
    assert len(data.train) + len(data.validation) == len(data.test) == LIMIT
    assert data.train.images.shape[1:] == info.image
    with np.load(folder / f"{name}.npz") as arrays:
        labels = arrays["y_test"]
        assert [info.class_names[label] for label in labels] == [
            str(arrays["class_names"][label]) for label in labels
        ]
    assert int(data.train.labels.max()) == info.classes - 1
    pixels = torch.cat([data.train.images, data.validation.images]).float() / 255
    np.testing.assert_allclose(pixels.mean((0, 2, 3)), info.mean, atol=0.02)
    np.testing.assert_allclose(pixels.std((0, 2, 3)), info.std, atol=0.02)


def test_a_tiny_network_learns_a_hundred_real_classes(folder):
    from search_space import published
    from training.fit import fit
    from training.recipes.named import get_recipe

    data = load_data("cifar100", folder, validation=0.1)
    network = published("ResNet-Global-Tiny", num_classes=100).build(seed=0)
    result = fit(network, data, get_recipe("search", epochs=2), seed=0)
    assert result.history[-1].loss < result.history[0].loss
