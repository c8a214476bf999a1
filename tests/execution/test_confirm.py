"""Points of a front are trained again by other seeds: which, how often, and gone on with where it was stopped."""

import dataclasses
import json
import threading

import psutil
import pytest

from execution.confirm import confirm
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.run_folder import CONFIRMED, RunFolder
from search_space import sample
from tests.integration.programs import wait_for
from training.trial_settings import TrialSettings

TRIAL = TrialSettings(train_limit=80, epochs=1, batch_size=32, seed=5, threads=1)
SMALL = {
    "stages": 1,
    "widths": [4],
    "depths": [1],
    "operators": ["depthwise_3x3", "depthwise_5x5"],
    "squeezes": ["none"],
}


def a_run(folder, points: list[tuple[float | None, int]]) -> RunFolder:
    run = RunFolder.create(folder, {"dataset": "digits"})
    for i, (accuracy, macs) in enumerate(points):
        genotype = sample("tiny-global", i, image=(1, 8, 8), **SMALL).to_json()
        status = "failed" if accuracy is None else "ok"
        run.append(Measurement(i, genotype, status, accuracy, macs, macs, 1, seconds=1.0, seed=5))
    return run


def test_the_best_and_the_ends_of_the_front_are_trained_by_other_seeds(tmp_path):
    run = a_run(tmp_path / "run", [(0.5, 10), (0.4, 50), (0.6, 100), (0.9, 1000), (None, 5)])
    confirm(run, TRIAL, points=2, seeds=2, epochs=2, at_once=1)
    measured = run.measurements(CONFIRMED)
    assert [(m.index, m.seed) for m in measured] == [(3, 6), (0, 6), (3, 7), (0, 7)]
    assert all(m.status == "ok" and len(m.history) == 2 for m in measured)
    assert len({m.accuracy for m in measured}) > 1
    assert len(run.measurements()) == 5
    assert json.loads((run.path / "confirming.json").read_text()) == {
        "trainings": 4, "candidates": [0, 3], "epochs": 2, "others": 0,
    }  # fmt: skip


def test_of_a_search_in_stages_those_wholly_trained_are(tmp_path):
    run = a_run(tmp_path / "run", [(0.5, 10)])
    (whole,) = run.measurements()
    run.append(dataclasses.replace(whole, index=1, status="partial", accuracy=0.9, epochs=1, share=1.0))
    run.append(dataclasses.replace(whole, index=2, accuracy=0.6, epochs=4, share=1.0, continues=1))
    confirm(run, TRIAL, points=1, seeds=1, epochs=1, at_once=1)
    assert [m.index for m in run.measurements(CONFIRMED)] == [2]


@pytest.mark.parametrize("at_once", [1, 2])
def test_what_is_trained_is_not_trained_again(tmp_path, at_once):
    run = a_run(tmp_path / "run", [(0.5, 10), (0.9, 1000)])
    confirm(run, TRIAL, points=2, seeds=1, epochs=1, at_once=at_once)
    first = run.measurements(CONFIRMED)
    assert sorted(m.index for m in first) == [0, 1]
    confirm(run, TRIAL, points=2, seeds=1, epochs=1, at_once=at_once)
    assert run.measurements(CONFIRMED) == first
    confirm(run, TRIAL, points=1, seeds=2, epochs=1, at_once=at_once)
    assert [(m.index, m.seed) for m in run.measurements(CONFIRMED)[2:]] == [(1, 7)]
    assert json.loads((run.path / "confirming.json").read_text())["others"] == 1  # of candidate 0


def test_processes_come_to_the_same(tmp_path):
    runs = [a_run(tmp_path / name, [(0.5, 10), (0.9, 1000)]) for name in ("one", "two")]
    for at_once, run in enumerate(runs, start=1):
        confirm(run, TRIAL, points=2, seeds=1, epochs=1, at_once=at_once)
    one, two = ({m.index: m.accuracy for m in run.measurements(CONFIRMED)} for run in runs)
    assert one == two


def test_longer_trainings_replace_shorter_ones(tmp_path):
    run = a_run(tmp_path / "run", [(0.9, 1000)])
    for epochs in (1, 2):
        confirm(run, TRIAL, points=1, seeds=1, epochs=epochs, at_once=1)
    assert [len(m.history) for m in run.measurements(CONFIRMED)] == [1, 2]


@pytest.mark.parametrize("points", [0, 3])
def test_without_points_or_candidates_there_is_nothing_to_do(tmp_path, points):
    run = a_run(tmp_path / "run", [(None, 10)] if points else [(0.5, 10)])
    confirm(run, TRIAL, points=points, seeds=2, epochs=1, at_once=2)
    assert not (run.path / CONFIRMED).exists()


def test_a_training_that_raises_is_one_that_failed(tmp_path, monkeypatch):
    run = a_run(tmp_path / "run", [(0.5, 10), (0.9, 1000)])

    def fit(*_, **__):
        raise RuntimeError("out of\nmemory")

    monkeypatch.setattr("training.trial.fit", fit)
    confirm(run, TRIAL, points=2, seeds=1, epochs=1, at_once=1)
    found = run.measurements(CONFIRMED)
    assert [(m.index, m.seed, m.status) for m in found] == [(1, 6, "failed"), (0, 6, "failed")]
    assert {m.error for m in found} == {"RuntimeError: out of memory"}


def test_a_process_that_is_killed_is_one_line(tmp_path):
    run = a_run(tmp_path / "run", [(0.5, 10), (0.9, 1000)])

    def kill() -> None:
        wait_for(lambda: _workers())
        _workers()[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(UserError, match="a process that confirms candidates was killed"):
        confirm(run, TRIAL, points=2, seeds=1, epochs=200, at_once=2)
    killer.join()


def _workers() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [p for p in children if "--multiprocessing-fork" in p.cmdline()]
