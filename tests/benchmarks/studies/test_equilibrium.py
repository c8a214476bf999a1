"""The record of a training with a solver, from what stands in its folder."""

from __future__ import annotations

import json

import pytest

from benchmarks.studies.equilibrium import epochs_csv, panels, record_of
from records.errors import UserError
from training.checkpoint import save_checkpoint
from training.retrain import CHECKPOINT

HISTORY = [
    {"epoch": 1, "loss": 2.2, "train_accuracy": 0.2, "accuracy": 0.25, "residual": None, "seconds": 9.0},
    {"epoch": 2, "loss": 1.9, "train_accuracy": 0.3, "accuracy": 0.35, "residual": 0.01, "seconds": 11.0},
]
SETTINGS = {"dataset": "cifar10", "data_dir": "/home/me/data", "seed": 0}


def folder(tmp_path, **result):
    (tmp_path / "genotype.json").write_text(json.dumps({"space": "mdeq"}))
    if result:
        (tmp_path / "result.json").write_text(json.dumps(result))
    return tmp_path


def test_a_finished_training_has_its_curve_its_residuals_and_its_end(tmp_path):
    run = folder(tmp_path, test_accuracy=0.4, history=HISTORY, settings=SETTINGS, seconds=20.0)
    record = record_of(run)
    assert record["settings"] == {"dataset": "cifar10", "seed": 0}
    assert epochs_csv(record).splitlines()[1:] == ["1,2.2,0.2,0.25,,9.0", "2,1.9,0.3,0.35,0.01,11.0"]
    assert len(panels(record)) == 1
    record["history"] = [*HISTORY, HISTORY[1] | {"residual": 0.001}]
    accuracy, solver = panels(record)
    assert [curve.end for curve in accuracy.curves] == [None, 40.0]
    assert solver.curves[0].values[1:] == (-2.0, -3.0)
    assert solver.curves[0].values[0] != solver.curves[0].values[0]  # NaN: there was no solver yet


def test_one_that_goes_on_is_told_as_far_as_it_came(tmp_path):
    run = folder(tmp_path)
    save_checkpoint({"settings": SETTINGS, "history": HISTORY}, run / CHECKPOINT)
    record = record_of(run)
    assert len(record["history"]) == 2
    assert [curve.end for curve in panels(record)[0].curves] == [None, None]


def test_one_without_a_solver_is_refused(tmp_path):
    run = folder(tmp_path, test_accuracy=0.4, history=HISTORY[:1], settings=SETTINGS)
    with pytest.raises(
        UserError, match="no epoch has a solver's residual; accepted: a training of the space mdeq"
    ):
        record_of(run)
