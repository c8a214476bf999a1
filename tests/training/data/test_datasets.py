import math

import pytest

from records.errors import UserError
from training.data.datasets import ARRAY_SETS, DatasetInfo, dataset_names


def test_names():
    assert dataset_names() == (
        "digits", "mnist", "fashion-mnist", "cifar10", "cifar100", "imagenet", "folder",
    )  # fmt: skip


@pytest.mark.parametrize("record", [5, [], {"name": 1}, {"colour": "red"}])
def test_what_is_no_record_is_named(record):
    with pytest.raises(UserError, match="is no record of a data set"):
        DatasetInfo.from_json(record)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 5), ("image", [1, 8]), ("image", [1, 8, 0]), ("image", "a"), ("image", [1, 8, 8.5]), ("classes", 0),
        ("classes", "a"), ("mean", "a"), ("mean", ["a"]), ("mean", [0.3, 0.3, 0.3]), ("mean", [math.nan]), ("mean", 0.3),
        ("std", [0]), ("std", [-1]), ("std", [math.inf]), ("flip", 1), ("class_names", [1, 2]), ("class_names", ["a"] * 9),
        ("class_names", [0] * 10), ("class_names", 5),
    ],
)  # fmt: skip
def test_a_record_with_a_value_of_another_kind_is_refused(name, value):
    with pytest.raises(UserError, match=f"^{name} is .*; accepted: "):
        DatasetInfo.from_json(ARRAY_SETS["digits"].to_json() | {name: value})
