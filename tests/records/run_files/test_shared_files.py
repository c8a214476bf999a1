"""What `supernet-pareto` keeps, read back: whole, or one line that says what is wrong."""

import json

import pytest

from records.errors import UserError
from records.run_files.shared_files import ChosenRecord, read_chosen_records

GOOD = {"genotype": {"space": "a"}, "role": "front", "accuracy": 0.5}


def test_it_comes_back_in_its_order(tmp_path):
    path = tmp_path / "chosen.json"
    path.write_text(json.dumps([GOOD, GOOD | {"genotype": {"space": "b"}, "role": "random"}]))
    assert read_chosen_records(path) == [
        ChosenRecord({"space": "a"}, "front", 0.5), ChosenRecord({"space": "b"}, "random", 0.5)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "{}", "[]", "[1]", "3", json.dumps([GOOD])[:-9], json.dumps([GOOD, GOOD]),
        *(json.dumps([GOOD | change]) for change in (
            {"role": "x"}, {"accuracy": "x"}, {"accuracy": float("nan")}, {"accuracy": 5}, {"genotype": None}
        )),
    ],
)  # fmt: skip
def test_a_damaged_one_is_told(tmp_path, text):
    path = tmp_path / "chosen.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"chosen\.json is damaged: "):
        read_chosen_records(path)
