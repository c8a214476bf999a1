"""The facts of the data sets that have a name."""

import pytest

from records.errors import UserError
from training.data.lookup import dataset_info


def test_shapes_and_classes():
    assert dataset_info("digits").image == (1, 8, 8)
    assert dataset_info("mnist").image == (1, 28, 28)
    assert (dataset_info("cifar100").image, dataset_info("cifar100").classes) == ((3, 32, 32), 100)


def test_a_mirrored_digit_is_another_sign():
    assert not dataset_info("digits").flip
    assert not dataset_info("mnist").flip
    assert dataset_info("cifar10").flip


def test_unknown_name_lists_what_is_known():
    with pytest.raises(UserError, match="unknown dataset 'cifar11'; accepted: digits, mnist") as caught:
        dataset_info("cifar11")
    assert "\n" not in str(caught.value)


def test_folder_needs_a_directory():
    with pytest.raises(UserError, match="dataset folder needs a data directory"):
        dataset_info("folder")
