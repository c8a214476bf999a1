import pytest

from records.errors import UserError
from training.data.datasets import DatasetInfo, dataset_names


def test_names():
    assert dataset_names() == (
        "digits", "mnist", "fashion-mnist", "cifar10", "cifar100", "imagenet", "folder",
    )  # fmt: skip


@pytest.mark.parametrize("record", [5, [], {"name": 1}, {"colour": "red"}])
def test_what_is_no_record_is_named(record):
    with pytest.raises(UserError, match="is no record of a data set"):
        DatasetInfo.from_json(record)
