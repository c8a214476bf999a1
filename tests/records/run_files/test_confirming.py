"""How far the confirming trainings are, read by another process."""

import json

import pytest

from records.run_files.confirming import CONFIRMING, Confirming, confirming_line
from records.run_files.run_folder import CONFIRMED


def test_lines_of_this_plan_alone_count(tmp_path):
    Confirming(trainings=4, candidates=(2, 5, 7), epochs=6, others=1).write(tmp_path)
    assert confirming_line(tmp_path) == (
        "Confirming: 0 of 4 trainings, of candidates 2, 5 and 7, 6 epochs each"
    )
    for lines, done in ((1, 0), (2, 1), (4, 3)):
        (tmp_path / CONFIRMED).write_text("{}\n" * lines + '{"index"')  # one is being written
        assert confirming_line(tmp_path).startswith(f"Confirming: {done} of 4 trainings")
    (tmp_path / CONFIRMED).write_text("{}\n" * 5)
    assert confirming_line(tmp_path) is None


@pytest.mark.parametrize(
    "change", [{"trainings": "x"}, {"candidates": 3}, {"candidates": []}, {"epochs": None}]
)
def test_a_damaged_plan_is_none(tmp_path, change):
    plan = {"trainings": 4, "candidates": [2], "epochs": 6, "others": 0}
    (tmp_path / CONFIRMING).write_text(json.dumps(plan))
    assert confirming_line(tmp_path).endswith("of candidate 2, 6 epochs each")
    (tmp_path / CONFIRMING).write_text(json.dumps(plan | change))
    assert confirming_line(tmp_path) is None
    (tmp_path / CONFIRMING).write_text("{")
    assert confirming_line(tmp_path) is None
    (tmp_path / CONFIRMING).unlink()
    assert confirming_line(tmp_path) is None
