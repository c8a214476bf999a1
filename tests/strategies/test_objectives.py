"""Ranks and crowding against closed forms, and against the front of `analysis`."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as values

from analysis import front
from records.measurement import Measurement
from strategies.objectives import ranked, survivors, usable

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("accuracy", "macs")


def measurement(index: int, accuracy: float | None, macs: int) -> Measurement:
    return Measurement(
        index, {}, "failed" if accuracy is None else "ok", accuracy, macs, macs, params=7, seconds=1.0, seed=0
    )


def test_ranks_and_crowding_of_a_small_set():
    points = [(0.5, 10), (0.7, 20), (0.8, 40), (0.6, 30), (0.5, 50)]
    found = ranked([measurement(i, *point) for i, point in enumerate(points)], NAMES)
    assert [(each.measurement.index, each.rank) for each in found] == [(0, 0), (1, 0), (2, 0), (3, 1), (4, 2)]
    crowding = [each.crowding for each in found]
    # Of the middle one: each objective's distance of its neighbours is the whole range, halved by DEAP.
    assert crowding == [math.inf, 1.0, math.inf, math.inf, math.inf]


def test_of_one_rank_the_lonely_ones_survive():
    points = [(0.5, 10), (0.51, 11), (0.7, 30), (0.8, 40)]
    best = survivors([measurement(i, *point) for i, point in enumerate(points)], 3, NAMES)
    assert {m.index for m in best} == {0, 2, 3}


@given(values.lists(values.tuples(values.integers(0, 5), values.integers(0, 5)), max_size=20))
def test_rank_zero_is_the_front(points):
    measured = [measurement(i, accuracy / 5, macs) for i, (accuracy, macs) in enumerate(points)]
    found = ranked(measured, NAMES)
    assert sorted(each.measurement.index for each in found) == list(range(len(points)))
    assert {each.measurement.index for each in found if each.rank == 0} == {m.index for m in front(measured)}


def test_what_lacks_a_value_is_not_usable():
    assert usable(measurement(0, 0.5, 1), NAMES)
    assert not usable(measurement(0, None, 1), NAMES)
    assert not usable(measurement(0, 0.5, 1), ("accuracy", "latency"))


def test_neither_the_help_nor_a_trial_imports_the_library_that_sorts():
    program = (
        "import sys, execution.settings, training.trial, execution.trials.entry\n"
        "execution.settings.SearchSettings(strategy='nsga2')\n"
        "print([name for name in ('deap', 'moocore', 'nni', 'tianshou') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
