"""Which candidate to take for at most so many MACs."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import best, pick, read_run
from analysis.certainty.budgets import MOST_ROWS, budgets
from analysis.certainty.noise import Certainty
from analysis.run import Run
from records.errors import UserError
from tests.analysis.samples.runs import FIVE, make_run, measurement


def test_each_point_of_the_front_has_the_budgets_for_which_it_is_the_best(tmp_path):
    path = make_run(tmp_path / "run", FIVE)
    run = read_run(path)
    rows = budgets(Certainty.of(run))
    assert [(row.least, row.most, row.measurement.index) for row in rows] == [
        (1000, 1999, 0), (2000, 8999, 2), (9000, None, 4),
    ]  # fmt: skip
    for row in rows:
        for macs in (row.least, row.most or 10 * row.least):
            assert best(run, macs) == row.measurement
            assert pick(path, f"max-macs={macs}")[0].measurement == row.measurement
    with pytest.raises(UserError, match="the smallest has 1,000"):
        best(run, rows[0].least - 1)


def test_a_row_names_those_that_are_as_good_with_fewer_macs():
    certainty = Certainty.of(Run(Path("run"), {}, tuple(FIVE), resolved={"validation_images": 50}))
    rows = budgets(certainty)
    assert [[tie.measurement.index for tie in row.ties] for row in rows] == [[], [], [2]]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60, unique=True))
def test_of_any_front_the_rows_join_and_hold_its_ends(macs):
    many = tuple(measurement(i, i / 100, m) for i, m in enumerate(sorted(macs)))
    rows = budgets(Certainty.of(Run(Path("run"), {}, many)))
    assert len(rows) == min(len(macs), MOST_ROWS) or (len(macs) > MOST_ROWS and 2 <= len(rows) <= MOST_ROWS)
    assert (rows[0].measurement, rows[-1].measurement, rows[-1].most) == (many[0], many[-1], None)
    assert all(row.most + 1 == after.least for row, after in itertools.pairwise(rows))
    assert all(row.least == row.measurement.macs for row in rows)


def test_equal_candidates_are_one_row():
    equal = tuple(measurement(i, 0.5, 1500) for i in range(3))
    (row,) = budgets(Certainty.of(Run(Path("run"), {}, equal)))
    assert (row.least, row.most, row.measurement.index) == (1500, None, 0)


@pytest.mark.parametrize("measurements", [(), (FIVE[3],)])
def test_without_a_judged_candidate_there_is_no_row(measurements):
    assert budgets(Certainty.of(Run(Path("run"), {}, measurements))) == []
