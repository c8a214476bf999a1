import os
from pathlib import Path

import numpy as np
import pytest
import torch

from records.errors import UserError
from tests.training.networks import TinyGenotype, write_arrays
from training.data.loading import load_data, require_fitting
from training.data.lookup import dataset_info
from training.data.sources import npz

CIFAR = dataset_info("cifar10")


def test_digits_split_by_class():
    data = load_data("digits", validation=0.2)
    assert (len(data.train), len(data.validation), len(data.test)) == (1150, 287, 360)
    shares = torch.bincount(data.validation.labels, minlength=10) / 287
    assert shares.min() > 0.09
    assert shares.max() < 0.11


def test_digits_mean_and_std_are_the_training_images_own():
    data = load_data("digits", validation=0)
    pixels = data.train.images.double() / 255
    assert pixels.mean().item() == pytest.approx(data.info.mean[0], abs=1e-3)
    assert pixels.std().item() == pytest.approx(data.info.std[0], abs=1e-3)


def as_set(split):
    return {image.tobytes() for image in split.images.numpy()}


def test_parts_do_not_overlap(tmp_path):
    write_arrays(tmp_path / "cifar10.npz", CIFAR)
    data = load_data("cifar10", tmp_path, validation=0.3)
    train, validation, test = as_set(data.train), as_set(data.validation), as_set(data.test)
    assert (len(train), len(validation), len(test)) == (42, 18, 20)
    assert not train & validation
    assert not (train | validation) & test


def test_seed_moves_the_validation_images_only(tmp_path):
    write_arrays(tmp_path / "cifar10.npz", CIFAR)
    first, again, other = (load_data("cifar10", tmp_path, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.validation.images, again.validation.images)
    assert as_set(first.validation) != as_set(other.validation)
    assert as_set(first.train) | as_set(first.validation) == as_set(other.train) | as_set(other.validation)


def test_limits_keep_the_classes_even(tmp_path):
    write_arrays(tmp_path / "cifar10.npz", CIFAR)
    data = load_data("cifar10", tmp_path, validation=0.5, train_limit=40, test_limit=10)
    assert torch.bincount(data.train.labels).tolist() == [2] * 10
    assert torch.bincount(data.validation.labels).tolist() == [2] * 10
    assert torch.bincount(data.test.labels).tolist() == [1] * 10


def test_test_images_are_not_touched_before_they_are_asked_for(tmp_path, monkeypatch):
    write_arrays(tmp_path / "cifar10.npz", CIFAR)
    read = []
    original = npz.ArrayFile.array
    monkeypatch.setattr(npz.ArrayFile, "array", lambda self, key: read.append(key) or original(self, key))
    data = load_data("cifar10", tmp_path)
    assert set(read) == {"x_train", "y_train"}
    assert len(data.test) == 20
    assert "x_test" in read
    assert data.test is data.test


def test_no_validation():
    data = load_data("digits", validation=0)
    assert data.validation is None
    assert len(data.train) == 1437


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation": 1.0}, "validation is 1; accepted: a share"),
        (
            {"validation": 0.001},
            "validation 0.001 of 1437 images is 1; accepted: a share from 0.00696 to 0.993, ",
        ),
        ({"train_limit": 0}, "train_limit is 0"),
        ({"test_limit": -1}, "test_limit is -1"),
    ],
)
def test_numbers_out_of_range(settings, message):
    with pytest.raises(UserError, match=message):
        load_data("digits", **settings)


def test_genotype_of_another_image_size_is_refused():
    require_fitting(TinyGenotype(), dataset_info("digits"))
    with pytest.raises(
        UserError, match=r"images \(1, 8, 8\) and 10 classes; dataset mnist has \(1, 28, 28\)"
    ):
        require_fitting(TinyGenotype(), dataset_info("mnist"))


REAL = os.environ.get("PDE_NAS_DATA")


@pytest.mark.skipif(REAL is None, reason="PDE_NAS_DATA names no folder with cifar10.npz")
def test_real_cifar10():
    data = load_data("cifar10", Path(REAL), validation=0.1)
    assert (len(data.train), len(data.validation), len(data.test)) == (45_000, 5_000, 10_000)
    pixels = torch.cat([data.train.images, data.validation.images]).float() / 255
    np.testing.assert_allclose(pixels.mean((0, 2, 3)), data.info.mean, atol=1e-4)
    np.testing.assert_allclose(pixels.std((0, 2, 3)), data.info.std, atol=1e-4)


def test_a_share_is_of_what_is_trained_on_and_keeps_what_is_held_out():
    whole, part = load_data("digits", validation=0.2), load_data("digits", validation=0.2, share=0.25)
    assert len(part.train) == round(0.25 * len(whole.train))
    assert torch.equal(part.validation.images, whole.validation.images)
    assert len(part.train.labels.unique()) == 10
    assert len(load_data("digits", validation=0.2, share=1e-6).train) == 10  # one of each class
