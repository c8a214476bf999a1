"""The look at the data before anything is trained."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from records.errors import UserError
from tests.training.networks import write_arrays
from training.data.loading import load_data
from training.data.lookup import dataset_info
from training.data.prepare import PreparedData, prepare_data

CIFAR = dataset_info("cifar10")


def test_the_whole_file_is_read(tmp_path):
    path = write_arrays(tmp_path / "cifar10.npz", CIFAR)
    assert prepare_data("cifar10", tmp_path) == PreparedData(CIFAR, 60, 0, 20)
    content = bytearray(path.read_bytes())
    content[60_000] ^= 4
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        prepare_data("cifar10", tmp_path)


def test_counts_are_those_of_the_parts(tmp_path):
    write_arrays(tmp_path / "cifar10.npz", CIFAR)
    options = {"validation": 0.3, "train_limit": 47, "test_limit": 10}
    found = prepare_data("cifar10", tmp_path, **options)
    data = load_data("cifar10", tmp_path, **options)
    assert found == PreparedData(CIFAR, len(data.train), len(data.validation), len(data.test))
    assert PreparedData.from_json(found.to_json()) == found


def test_too_few_images_are_an_error_before_anything_starts():
    with pytest.raises(UserError, match="train_limit is 5; accepted: 80 or more"):
        prepare_data("digits", train_limit=5, validation=0.2, batch_size=64)
    with pytest.raises(UserError, match="batch_size is 5000; there are 1437 images to train on"):
        prepare_data("digits", batch_size=5000)


def test_test_images_are_looked_at_too(tmp_path):
    path = write_arrays(tmp_path / "cifar10.npz", CIFAR, x_test=np.zeros((20, 32, 31, 3), np.uint8))
    with pytest.raises(UserError, match=r"x_test is uint8 of shape \(20, 32, 31, 3\)"):
        prepare_data("cifar10", tmp_path)
    path.unlink()
    for part in ("train", "val"):
        for name in ("a", "b"):
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(3):
                Image.new("L", (8, 8), number).save(tmp_path / part / name / f"{number}.png")
    assert prepare_data("folder", tmp_path, validation=0.34).test_images == 6
    bad = tmp_path / "val" / "b" / "2.png"
    bad.write_bytes(bad.read_bytes()[:50])
    with pytest.raises(UserError, match=r"image .*val/b/2\.png cannot be read; replace or delete it"):
        prepare_data("folder", tmp_path)


def test_a_run_goes_on_with_what_it_found(tmp_path):
    path = write_arrays(tmp_path / "mine.npz", CIFAR)
    known = dataclasses.replace(prepare_data(path).info, mean=(0.1, 0.2, 0.3))
    assert prepare_data(path, known=known).info == known
    write_arrays(tmp_path / "mine.npz", dataset_info("mnist"))
    with pytest.raises(
        UserError, match="images are 28x28, were 32x32; channels are 1, were 3; accepted: the same"
    ):
        prepare_data(path, known=known)
