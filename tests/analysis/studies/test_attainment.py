"""Attainment surfaces against their definition, and hypervolumes against moocore's."""

from __future__ import annotations

import math
import random

import moocore
import pytest

from analysis.front import front
from analysis.hypervolume import hypervolume
from analysis.studies.attainment import attainment, surfaces
from tests.analysis.studies.synthetic import by_macs, made_up_run

RUNS = [
    made_up_run(30, lambda o, w, macs: by_macs(macs), noise=0.05, seed=seed, name=f"r{seed}")
    for seed in range(5)
]


def attained(points, macs):
    return max((accuracy for m, accuracy in points if m <= macs), default=-math.inf)


def test_a_surface_is_the_accuracy_that_so_many_runs_reach_at_each_macs():
    fronts = [[(m.macs, m.accuracy) for m in front(run.ok)] for run in RUNS]
    found = surfaces(fronts)
    for macs in sorted({m for points in fronts for m, _ in points}):
        reached = sorted((attained(points, macs) for points in fronts), reverse=True)
        for quantile, corners in found.items():
            needed = math.ceil(quantile / 100 * len(fronts))
            assert attained(corners, macs) == pytest.approx(reached[needed - 1]), (macs, quantile)


def test_hypervolumes_are_moocores():
    found = attainment(RUNS, [run.name for run in RUNS])
    for run, share in zip(RUNS, found.hypervolumes, strict=True):
        points = [(m.macs, -m.accuracy) for m in run.ok]
        assert share == pytest.approx(moocore.hypervolume(points, ref=[found.limit, 0.0]) / found.limit)
    low, middle, high = found.quartiles
    assert low <= middle <= high
    assert middle == sorted(found.hypervolumes)[2]
    rng = random.Random(0)
    points = [(rng.random(), rng.random()) for _ in range(200)]
    other = moocore.hypervolume([(m, -a) for a, m in points], ref=[0.9, -0.1])
    assert hypervolume(points, (0.1, 0.9)) == pytest.approx(other)


def test_runs_that_differ_in_their_seed_alone_are_alike():
    assert attainment(RUNS, list("abcde")).alike
    other = type(RUNS[0])(RUNS[0].path, RUNS[0].settings | {"strategy": "evolution"}, RUNS[0].measurements)
    assert not attainment([RUNS[1], other], ["a", "b"]).alike


def test_there_is_none_of_one_run_or_of_different_data_sets():
    other = type(RUNS[0])(RUNS[0].path, RUNS[0].settings | {"dataset": "mnist"}, RUNS[0].measurements)
    empty = type(RUNS[0])(RUNS[0].path, RUNS[0].settings, ())
    assert attainment(RUNS[:1], ["a"]) is None
    assert attainment([RUNS[0], empty], ["a", "b"]) is None
    assert attainment([RUNS[0], other], ["a", "b"]) is None
