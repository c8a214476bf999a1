"""Sections of a report: what they say of runs whose truth is known, and of runs that hold nothing."""

from __future__ import annotations

import dataclasses

import pytest

from analysis.pages.sections import (
    attainment_section,
    matters_section,
    weights_section,
)
from analysis.supernet import Supernet
from tests.analysis.studies.synthetic import by_macs, candidate, made_up_run

FEW = [made_up_run(12, lambda o, w, macs: by_macs(macs), seed=seed, name=f"r<{seed}>") for seed in range(2)]
EMPTY = dataclasses.replace(FEW[0], measurements=())


@pytest.mark.parametrize("section", [matters_section, weights_section, attainment_section])
def test_of_nothing_there_is_nothing_to_say(section):
    assert section([], []) is None
    assert section([EMPTY, EMPTY], ["a", "b"]) is None


def test_one_or_two_candidates_have_a_section_without_pictures_of_nothing():
    for count in (1, 2):
        run = dataclasses.replace(FEW[0], measurements=FEW[0].measurements[:count])
        title, text = matters_section([run], ["a"])
        assert title
        assert "nan" not in text.replace("data:image", "")


def test_names_that_hold_html_are_text():
    run = dataclasses.replace(FEW[0], measurements=(
        candidate(0, ["<b>x</b>", "global_1"], 4, 100, 0.5), candidate(1, ["<b>x</b>"], 4, 200, 0.4)
    ))  # fmt: skip
    _, text = matters_section([run], ["<i>"])
    assert "<b>x" not in text
    assert "&lt;b&gt;x" in text
    _, text = attainment_section(FEW, ["<i>", "<u>"])
    assert "&lt;i&gt;" in text
    assert "<i>" not in text


def test_two_runs_are_told_the_median_of_their_hypervolumes():
    title, text = attainment_section(FEW, ["a", "b"])
    assert title == "How sure the front is over 2 runs"
    assert "The median hypervolume of 2 runs is" in text
    assert "differ in their seed alone" in text


def test_runs_of_different_data_sets_are_not_thrown_together():
    other = dataclasses.replace(FEW[1], settings=FEW[1].settings | {"dataset": "mnist"})
    assert matters_section([FEW[0], other], ["a", "b"]) is None
    assert attainment_section([FEW[0], other], ["a", "b"]) is None


def test_weights_are_drawn_where_a_run_recorded_them_else_what_was_derived():
    supernet = Supernet((0.1,), (1.0,), (1.0,), (1.0,), (1.0,), 1.0, derived={"skip": (1.0,)})
    run = dataclasses.replace(FEW[0], supernet=supernet)
    assert "did not record its weights" in weights_section([run], ["a"])[1]
    told = dataclasses.replace(run, supernet=dataclasses.replace(supernet, weights={"skip": (0.5, 0.7)}))
    assert "by the architecture weights" in weights_section([told], ["a"])[1]
