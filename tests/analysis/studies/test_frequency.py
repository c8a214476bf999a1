"""Frequencies on the front, counted by hand and on a run where one operation makes the front."""

from __future__ import annotations

from analysis.studies.contents import PHYSICS, PRIMITIVE, SIZE, STEPS, contents
from analysis.studies.frequency import frequencies
from tests.analysis.studies.synthetic import by_macs, candidate, made_up_run


def test_shares_are_those_counted_by_hand():
    made = [
        candidate(0, ["global_1", "global_diffusion_5", "skip_connect"], 4, 100, 0.9),
        candidate(1, ["skip_connect", "skip_connect", "global_heat"], 8, 200, 0.5),
    ]
    found = {(f.group, f.name): f for f in frequencies(made)}
    skip = found[PRIMITIVE, "skip_connect"]
    assert (skip.on_front, skip.everywhere) == (1 / 3, 1 / 2)
    assert (found[PHYSICS, "global_heat"].on_front, found[PHYSICS, "global_heat"].everywhere) == (0, 1 / 3)
    assert found[STEPS, "5 steps"].on_front == 1 / 2
    assert (found[SIZE, "width 4"].on_front, found[SIZE, "width 4"].everywhere) == (1, 1 / 2)
    assert (SIZE, "cells 3") not in found  # both have it
    assert found[PRIMITIVE, "skip_connect"].told == "as often"  # of one candidate nothing is told


def test_what_makes_the_front_is_told_from_chance_and_the_rest_is_not():
    run = made_up_run(
        300, lambda ops, width, macs: by_macs(macs) + 0.05 * ops.count("sep_conv_3x3"), with_global=0.3
    )
    told = {f.name: f.told for f in frequencies(run.measurements) if f.group == PRIMITIVE}
    assert told["sep_conv_3x3"] == "more"
    assert list(told.values()).count("more") == 1


def test_there_are_none_where_all_are_on_the_front_or_nothing_was_judged():
    assert frequencies([]) == []
    assert frequencies([candidate(0, ["global_1"], 4, 100, 0.9)]) == []


def test_contents_of_other_forms():
    blocks = candidate(0, [], 4, 1, 0.5)
    blocks.genotype["architecture"] = {
        "multiplier": 1,
        "stage1": {"width": 4, "layer": "depthwise_3x3+global_5"},
    }
    table = contents([blocks])
    row = dict(zip(zip(table.groups, table.names, strict=True), table.counts[0], strict=True))
    assert row == {
        (PRIMITIVE, "depthwise_3x3"): 1, (PRIMITIVE, "global_5"): 1, (PHYSICS, "global"): 1, (STEPS, "5 steps"): 1,
        (SIZE, "multiplier"): 1, (SIZE, "stage1 width"): 4,
    }  # fmt: skip
