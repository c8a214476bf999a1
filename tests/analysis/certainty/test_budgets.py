"""Which candidate to take for at most so many MACs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import best, pick, read_run
from analysis.certainty.budgets import MOST_ROWS, budgets, roundest
from analysis.certainty.noise import Certainty
from analysis.run import Run
from tests.analysis.samples.runs import FIVE, make_run, measurement


@pytest.mark.parametrize(
    ("low", "high", "round_one"),
    [
        (405_376, 406_016, 406_000),
        (406_016, 505_984, 500_000),
        (505_984, 524_288, 510_000),
        (450_000, 2_000_000, 500_000),
        (950_000, 2_000_000, 1_000_000),
        (1, 2, 1),
        (999, 1000, 999),
        (1000, 1001, 1000),
    ],
)
def test_the_roundest_number(low, high, round_one):
    assert roundest(low, high) == round_one


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_it_lies_within_and_none_there_has_fewer_digits(low, width):
    found = roundest(low, low + width)
    assert low <= found < low + width
    digits = len(str(found).rstrip("0"))
    step = 10 ** (len(str(low)) - digits + 1)  # of numbers as long as ``low`` with a digit less
    assert digits == 1 or -(-low // step) * step >= low + width


def test_each_point_of_the_front_has_a_row_at_which_it_is_the_best(tmp_path):
    path = make_run(tmp_path / "run", FIVE)
    run = read_run(path)
    rows = budgets(Certainty.of(run))
    assert [(row.macs, row.measurement.index) for row in rows] == [(1000, 0), (2000, 2), (9000, 4)]
    for row in rows:
        assert best(run, row.macs) == row.measurement
        assert pick(path, f"max-macs={row.macs}")[0].measurement == row.measurement


def test_a_row_names_those_that_are_as_good_with_fewer_macs():
    certainty = Certainty.of(Run(Path("run"), {}, tuple(FIVE), resolved={"validation_images": 50}))
    rows = budgets(certainty)
    assert [[tie.measurement.index for tie in row.ties] for row in rows] == [[], [], [2]]


def test_a_long_front_has_few_rows_and_each_is_right():
    many = tuple(measurement(i, 0.5 + i / 1000, 1000 + 37 * i * i) for i in range(200))
    run = Run(Path("run"), {}, many)
    rows = budgets(Certainty.of(run))
    assert 6 <= len(rows) <= MOST_ROWS
    assert [row.macs for row in rows] == sorted({row.macs for row in rows})
    assert rows[-1].measurement.index == 199
    assert all(best(run, row.macs) == row.measurement for row in rows)


def test_equal_candidates_are_one_row():
    equal = tuple(measurement(i, 0.5, 1500) for i in range(3))
    (row,) = budgets(Certainty.of(Run(Path("run"), {}, equal)))
    assert (row.macs, row.measurement.index) == (1500, 0)


@pytest.mark.parametrize("measurements", [(), (FIVE[3],)])
def test_without_a_judged_candidate_there_is_no_row(measurements):
    assert budgets(Certainty.of(Run(Path("run"), {}, measurements))) == []
