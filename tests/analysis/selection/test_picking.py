"""Which points of a run a user's words ask for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analysis import pick
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from tests.analysis.samples.runs import make_run, measurement

# accuracy over MACs: 1 is the knee of the front 0, 1, 2, 4; 3 is below it
POINTS = [
    measurement(0, 0.50, 1_000),
    measurement(1, 0.80, 2_000),
    measurement(2, 0.85, 50_000),
    measurement(3, 0.70, 3_000),
    measurement(4, 0.90, 900_000),
]


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", POINTS)


def indices(path, what):
    return [choice.measurement.index for choice in pick(path, what)]


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("best", [4]), ("knee", [1]), ("front", [0, 1, 2, 4]), ("index=3", [3]), (3, [3]), ("3", [3]),
        ("max-macs=3k", [1]), ("max-macs=899999", [2]),
    ],
)  # fmt: skip
def test_each_way(run, what, found):
    assert indices(run, what) == found


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("bset", "pick is 'bset'; accepted: best, knee, front, index=N"),
        ("max-macs", "pick is 'max-macs'; accepted"),
        ("best=3", "pick is 'best=3'; accepted"),
        (np.array([1, 2]), r"pick is array\(\[1, 2\]\); accepted"),
        (1.0, "pick is 1.0; accepted"),
        ("index=-1", "index is '-1'; accepted: a whole number, 0 or more"),
        ("index=9", "has no candidate 9; it has 0, 1, 2, 3, 4"),
        ("max-macs=10", "max-macs is 10, but no candidate has so few MACs; the smallest has 1,000"),
        ("max-macs=many", "'many' is no count"),
        ("max-latency=2ms", "no candidate has a measured latency; search with --latency on"),
    ],
)
def test_what_cannot_be_had_is_told(run, what, message):
    with pytest.raises(UserError, match=message):
        pick(run, what)


def test_by_latency(tmp_path):
    timed = [dataclasses.replace(m, latency=float(m.index + 1)) for m in POINTS]
    run = make_run(tmp_path / "run", timed)
    assert indices(run, "max-latency=2ms") == indices(run, "max-latency=2.5") == [1]
    with pytest.raises(
        UserError, match=r"max-latency is 0.5 ms, but no candidate is so fast; the fastest takes 1 ms"
    ):
        pick(run, "max-latency=0.5")
    with pytest.raises(UserError, match="'x' is no time; accepted: milliseconds, such as 2 or 2ms"):
        pick(run, "max-latency=x")


def test_of_a_sweep_the_common_front(tmp_path):
    path = RunFolder.create(tmp_path / "sweep", {"kind": "sweep", "searches": 1, "shared": {}}).path
    make_run(path / "searches" / "one", POINTS[:2])
    make_run(path / "searches" / "two", POINTS[2:])
    assert [(c.folder.name, c.measurement.index) for c in pick(path, "front")] == [
        ("one", 0), ("one", 1), ("two", 2), ("two", 4)
    ]  # fmt: skip
    assert indices(path, "max-macs=60k") == [2]


def test_a_genotypes_file_is_its_own_only_point(run, tmp_path):
    file = pick(run)[0].genotype.save(tmp_path / "g.json")
    assert pick(file)[0].measurement is None
    for what, message in (("knee", "knee goes with a run folder"), (2, "an index goes with a run folder")):
        with pytest.raises(UserError, match=message):
            pick(file, what)
