"""A resume of a search of which only confirming trainings are left: what it is given is kept, and moved data are named."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from execution.multi_trial.session import MultiTrialSession
from execution.settings import SearchSettings
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.run_folder import CONFIRMED, RunFolder
from tests.execution.test_confirm import SMALL
from training.data.arrays import save_arrays

MEASURED = Measurement(0, {}, "ok", 0.5, 1, 1, 1, seconds=1.0, seed=0)
SPACE = " ".join(f"{name}={','.join(map(str, v)) if isinstance(v, list) else v}" for name, v in SMALL.items())


def images(path: Path) -> str:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (80, 8, 8), dtype=np.uint8)
    return str(save_arrays(path, pixels, np.arange(80) % 10, pixels[:20], np.arange(20) % 10))


@pytest.fixture
def measured(tmp_path):
    """A run with a front of two, on arrays of its own, and the settings that it was asked for."""
    data = images(tmp_path / "data.npz")
    settings = SearchSettings(
        space="tiny-global", setting=SPACE, dataset=data, trials=2, epochs=1, batch_size=16, confirm=2,
        confirm_seeds=1, confirm_epochs=1, threads=1, port=0, strategy="random", concurrency=1, device="cpu",
    )  # fmt: skip
    session = MultiTrialSession(settings)
    run = RunFolder.create(tmp_path / "run", settings.to_json(), session.resolved())
    for index in range(2):
        genotype = session.strategy.propose(index, run.measurements())
        cost = genotype.cost()
        run.append(
            dataclasses.replace(
                MEASURED, index=index, genotype=genotype.to_json(), accuracy=0.5 + index / 10, macs=cost.macs + index
            )
        )  # fmt: skip
    return run, settings


def go_on(run, settings, **given):
    concluded = []
    MultiTrialSession(dataclasses.replace(settings, **given), run, concluded.append).go_on(given)
    return concluded


def test_what_a_resume_is_given_is_kept_though_nothing_else_is_left(measured):
    run, settings = measured
    assert go_on(run, settings, confirm_seeds=2, confirm_epochs=3)
    assert [(m.seed, len(m.history)) for m in run.measurements(CONFIRMED)] == [(1, 3), (1, 3), (2, 3), (2, 3)]
    assert (run.settings()["confirm_seeds"], run.settings()["confirm_epochs"]) == (2, 3)
    assert run.resolved()["confirm_epochs"] == 3
    assert SearchSettings.from_json(run.settings()).confirmations()["seeds"] == 2


def test_fewer_epochs_than_there_are_would_not_count(measured):
    run, settings = measured
    go_on(run, settings, confirm_epochs=2)
    before = run.settings()
    with pytest.raises(
        UserError,
        match="confirm_epochs is 1; there are confirming trainings of 2 epochs already; accepted: 2 or",
    ):
        go_on(run, settings, confirm_epochs=1, confirm_seeds=3)
    assert run.settings() == before
    assert len(run.measurements(CONFIRMED)) == 2


def test_moved_data_are_named_with_the_setting_that_says_where_they_are(measured, tmp_path):
    run, settings = measured
    (tmp_path / "data.npz").rename(tmp_path / "moved.npz")
    before = {path: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    with pytest.raises(
        UserError, match=r"dataset .*data\.npz is not there; say where it is now with --dataset"
    ):
        go_on(run, settings)
    with pytest.raises(UserError, match=r"dataset .*gone/data\.npz is not there"):
        go_on(run, settings, data_dir=str(tmp_path / "gone"))
    after = {path: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    assert after == before
    assert go_on(run, settings, dataset=str(tmp_path / "moved.npz"))
    assert len(run.measurements(CONFIRMED)) == 2
    assert run.settings()["dataset"] == "moved.npz"


def test_one_that_is_finished_needs_no_data(measured, tmp_path):
    run, settings = measured
    go_on(run, settings)
    kept = run.settings()
    (tmp_path / "data.npz").unlink()
    assert go_on(run, settings) == [run.path]
    assert run.settings() == kept


def test_data_that_go_while_it_confirms_are_told_with_what_goes_on(measured, monkeypatch):
    run, settings = measured

    def gone(*_, **__):
        raise UserError("image a.png is gone; put it back, or say where the images are now")

    monkeypatch.setattr("execution.confirm.confirm", gone)
    with pytest.raises(UserError, match=r"image a\.png is gone.*; what was measured is kept, and .*resume"):
        MultiTrialSession(settings, run).confirm()
