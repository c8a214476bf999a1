"""What the interactive front shows."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from analysis.certainty.noise import Certainty
from analysis.pages.interactive import record as module
from analysis.pages.interactive.record import command_path, front_record
from analysis.references import Reference
from analysis.run import Run
from analysis.selection.confirmed import Confirmation
from search_space.contents import global_share
from tests.analysis.samples.runs import FIVE, measurement


def record(*runs: Run, **options):
    return front_record(runs, [run.name for run in runs], [Certainty.of(run) for run in runs], **options)


def one(*measurements, **changes) -> Run:
    return Run(Path("runs/one"), {}, measurements, **{"resolved": {"validation_images": 100}} | changes)


def test_a_value_for_each_judged_candidate():
    made = record(one(*FIVE))
    columns = made["columns"]
    assert columns["index"] == [0, 1, 2, 4]
    assert columns["accuracy"] == [50.0, 45.0, 70.0, 80.0]
    assert columns["macs"] == [1000, 1500, 2000, 9000]
    assert columns["published"] == [999, 1499, 1999, 8999]
    assert columns["age"] == [1, 2, 3, 4]
    assert columns["latency"] == [None] * 4
    assert columns["margin"] == [10.0, 9.9499, 9.1652, 8.0]
    assert columns["share"][2] == round(100 * global_share(FIVE[2].genotype["architecture"]), 4)
    assert {len(column) for column in columns.values()} == {4}
    assert made["range"][0] < 45
    assert made["range"][1] >= 88  # the end of the best one's bar


def test_what_is_fixed_in_a_space_stands_there_once():
    made = record(one(*FIVE))
    assert made["spaces"] == [
        {"space": "darts-global", "image": [1, 8, 8], "classes": 10, "settings": {"width": 4, "cells": 2}}
    ]
    for place, m in zip(made["columns"]["architecture"], (FIVE[i] for i in (0, 1, 2, 4)), strict=True):
        assert made["architectures"][place] == [0, m.genotype["architecture"]]


def test_best_knee_and_ties_are_named_by_their_rows():
    made = record(one(*FIVE, measurement(5, 0.79, 9500)))
    assert (made["best"], made["knee"], made["ties"]) == (3, 2, [2, 4])
    within = record(one(*FIVE, measurement(5, 0.69, 1900)), max_macs=2000)
    assert (within["best"], within["ties"], within["budget"]) == (2, [4], 2000)
    none = record(one(*FIVE), max_macs=10)
    assert (none["best"], none["knee"]) == (None, 2)


def test_several_runs_follow_each_other_without_a_best():
    made = record(one(*FIVE), Run(Path("b"), {}, (FIVE[0],)))
    assert made["columns"]["run"] == [0, 0, 0, 0, 1]
    assert made["columns"]["age"] == [1, 2, 3, 4, 1]
    assert made["columns"]["margin"][-1] is None
    assert [run["images"] for run in made["runs"]] == [100, None]
    assert (made["best"], made["knee"], made["ties"]) == (None, None, [])


def test_what_was_trained_again_and_the_posters_networks():
    run = one(*FIVE, confirmed={2: Confirmation((0.7, 0.72), 6), 4: Confirmation((0.8,), 6)})
    made = record(run, references=[Reference("MNIST-<Residual>", 0.99, 5000, True)])
    assert made["confirmed"] == [
        {"row": 2, "mean": 71.0, "deviation": 1.4142, "seeds": 2, "epochs": 6},
        {"row": 3, "mean": 80.0, "deviation": None, "seeds": 1, "epochs": 6},
    ]
    assert made["references"] == [
        {"name": "MNIST-<Residual>", "accuracy": 99.0, "macs": 5000, "global": True}
    ]


def test_of_very_many_the_front_and_the_most_accurate_have_a_drawing(monkeypatch):
    monkeypatch.setattr(module, "MOST_DRAWN", 3)
    made = record(one(*FIVE, measurement(5, 0.79, 9500)))
    assert made["columns"]["architecture"] == [0, None, 1, 2, None]  # all of the front
    monkeypatch.setattr(module, "MOST_DRAWN", 4)
    assert record(one(*FIVE, measurement(5, 0.79, 9500)))["columns"]["architecture"] == [0, None, 1, 2, 3]


def test_a_genotype_that_is_none_has_no_share():
    made = record(one(measurement(0, 0.5, 10, genotype={})))
    assert made["columns"]["share"] == [None]
    assert made["architectures"] == [[0, None]]


@pytest.mark.parametrize("name", ["run", "-run", "a run", "<img src=x>", "it's", "$(date)"])
def test_a_command_names_the_run_and_not_the_machine(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / name
    assert shlex.split(command_path(folder)) == [f"runs/{name}"]
    monkeypatch.chdir(Path(__file__).parent)
    dashed = f"./{name}" if name.startswith("-") else name
    assert shlex.split(command_path(folder)) == [dashed]


def test_a_command_names_no_folder_of_a_user(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command_path(tmp_path / "home" / "alice" / "r20") == "r20"
    assert command_path(tmp_path / "alice" / "runs" / "r20") == "r20"
    assert command_path(tmp_path / "runs" / "r20") == "runs/r20"
