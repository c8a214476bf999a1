"""Whether global layers pay, on runs of which it is known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from analysis.run import Run
from analysis.studies.global_layers import CALIPER, global_question
from tests.analysis.studies.synthetic import by_macs, candidate, made_up_run


def effect(size):
    return lambda operations, width, macs: by_macs(macs) + size * operations[0].startswith("global")


@pytest.mark.parametrize(("size", "verdict"), [(0.03, "yes"), (-0.03, "no")])
def test_a_known_effect_is_found_at_its_size(size, verdict):
    runs = [made_up_run(80, effect(size), seed=seed) for seed in range(3)]
    (found,) = global_question(runs, ["a", "b", "c"])
    low, high = found.interval
    assert found.verdict == verdict
    assert low < size < high
    assert high - low < 0.01
    assert ("do not pay" in found.answer) == (size < 0)
    assert f"n = {len(found.pairs)} pairs from 3 runs" in found.answer
    assert len(found.pairs) > 60


def test_where_there_is_none_the_interval_holds_zero_as_often_as_it_should():
    missed = sum(
        global_question([made_up_run(40, effect(0.0), seed=seed)], ["a"])[0].verdict != "unknown"
        for seed in range(100)
    )
    assert missed <= 12  # 5 are expected; 13 or more have a probability of 1 in 600


def test_that_global_layers_cost_macs_is_no_effect():
    """Those with a global layer have 8% more MACs, and are better by what these are worth alone."""

    def dearer(index, name):
        macs = round(10_000 * 2 ** (index / 12) * (1.08 if name == "global_1" else 1))
        return candidate(2 * index + (name == "global_1"), [name], 4, macs, by_macs(macs))

    made = [dearer(index, name) for index in range(60) for name in ("global_1", "skip_connect")]
    run = made_up_run(0, effect(0))
    (found,) = global_question([type(run)(run.path, run.settings, tuple(made))], ["a"])
    assert found.mean == pytest.approx(0, abs=1e-5)


def test_pairs_are_made_within_a_run_of_candidates_used_once_with_nearly_equal_macs():
    runs = [made_up_run(50, effect(0.0), seed=seed) for seed in range(2)]
    (found,) = global_question(runs, ["a", "b"])
    for pair in found.pairs:
        own = runs["ab".index(pair.run)].measurements
        assert any(pair.first is m for m in own)
        assert any(pair.second is m for m in own)
        assert abs(math.log(pair.first.macs / pair.second.macs)) <= CALIPER
    used = [id(m) for pair in found.pairs for m in (pair.first, pair.second)]
    assert len(used) == len(set(used))


def test_those_with_just_the_median_are_said_to_be_in_neither_group():
    def told(*shares: float) -> str:
        of = [
            candidate(i, ["global_1"] * round(4 * s) + ["conv"] * round(4 - 4 * s), 4, 10**i, 0.5)
            for i, s in enumerate(shares)
        ]
        return global_question([Run(Path("run"), {}, tuple(of))], ["a"])[1].answer

    assert (
        "(1 candidate with more global layers than the median, 1 with fewer, 3 with just the median, which are in neither"
        in told(0.25, 0.5, 0.5, 0.5, 1.0)
    )
    assert told(0.5, 0.5, 1.0).endswith(
        "1 candidate with more global layers than the median, none with fewer, 2 with just the median, which are in "
        "neither group"
    )
    assert told(0.5, 0.5).endswith("all 2 candidates have just the median")


def test_of_several_runs_each_is_compared_with_its_own_median():
    run = made_up_run(12, effect(0.1), with_global=1.0)
    found = global_question([run, run], ["a", "b"])
    assert found[1].first == "with more global layers than their run's median"


def test_of_too_few_it_cannot_be_told_and_more_is_set_against_fewer():
    run = made_up_run(40, effect(0.1), with_global=1.0)
    found = global_question([run], ["a"])
    assert found[0].verdict == "unknown"
    said = "cannot be told from these runs: all 40 candidates are with global layers, none is without"
    assert found[0].answer.endswith(said)
    assert found[1].first == "with more global layers than the median"
    for few in ([], run.measurements[:1]):
        first, second = global_question([type(run)(run.path, run.settings, tuple(few))], ["a"])
        assert first.interval == (-math.inf, math.inf)
        assert "cannot be told" in second.answer
