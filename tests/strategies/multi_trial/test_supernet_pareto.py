"""What `supernet-pareto` does before its first candidate, killed in each of its parts and taken up again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search_space.problem import Problem
from strategies.contract import SpaceExhausted
from strategies.multi_trial.supernet_pareto import SupernetPareto
from strategies.shared_weights import chosen, exploring, training
from strategies.shared_weights.judge import Judge
from strategies.workplace import Workplace
from tests.strategies.kills import killed
from tests.strategies.table import PROBLEM, SIZES
from training.trial_settings import TrialSettings

FILES = ("supernet.jsonl", "judged.jsonl")
# Each in the part that is reached then: the two epochs of two steps, the judging, the choice.
KILLS = (
    (training._Training, "_step", 2),  # within the first epoch
    (training, "save_checkpoint", 1),  # after it, before it is kept
    (training._Training, "_step", 3),  # within the second one
    (training, "save_checkpoint", 1),
    (Judge, "accuracy", 1),  # when both are done
    (Judge, "accuracy", 3),
    (exploring, "append_line", 2),  # judged, and not written
    (chosen, "write_chosen", 1),
)


def prepared(folder: Path, problem) -> SupernetPareto:
    settings = SupernetPareto.Settings(supernet_epochs=2, supernet_steps=1, judged=8, controls=2)
    strategy = SupernetPareto(problem, 0, settings)
    strategy.prepare(Workplace(folder, TrialSettings(train_limit=80, batch_size=32), trials=6))
    return strategy


def found(folder: Path) -> list:
    """What is kept, but for times."""
    lines = [json.loads(line) for name in FILES for line in (folder / name).read_text().splitlines()]
    kept = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
    return [*kept, json.loads((folder / "chosen.json").read_text())]


@pytest.mark.parametrize("problem", [PROBLEM, SIZES], ids=["cells", "sizes"])
def test_killed_in_each_of_its_parts_it_comes_to_what_an_undisturbed_one_does(problem, tmp_path):
    whole, folder = tmp_path / "whole", tmp_path / "run"
    whole.mkdir()
    folder.mkdir()
    undisturbed = prepared(whole, problem)
    for owner, name, call in KILLS:
        killed(lambda: prepared(folder, problem), owner, name, call)
        if owner is Judge:
            with (folder / "judged.jsonl").open("a") as file:
                file.write('{"index": 5, "genotype"')  # as a power cut leaves a line
    resumed = prepared(folder, problem)
    assert found(folder) == found(whole)
    assert len(found(folder)) == 2 + 8 + 1
    assert [resumed.propose(i, []) for i in range(6)] == [undisturbed.propose(i, []) for i in range(6)]


TWO = Problem(
    "darts-global", {"width": 4, "cells": 1, "nodes": 1, "inputs": 1, "primitives": ["skip_connect"]}, (1, 8, 8), 10
)  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "end"),
    [(PROBLEM, "the supernet gave 8; --judged finds more"), (TWO, "gave 2; it has no more")],
)
def test_where_it_has_none_left_it_says_whether_more_judging_helps(problem, end, tmp_path):
    settings = SupernetPareto.Settings(supernet_epochs=1, supernet_steps=1, judged=8, controls=0)
    workplace = Workplace(tmp_path, TrialSettings(train_limit=80, batch_size=32), trials=10)
    for _ in range(2):  # the second one takes up what the first one kept
        strategy = SupernetPareto(problem, 0, settings)
        strategy.prepare(workplace)
        with pytest.raises(SpaceExhausted, match=end):
            strategy.propose(8, [])
