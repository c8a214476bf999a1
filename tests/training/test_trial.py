import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from records.errors import UserError
from records.measurement import Measurement
from tests.training.networks import TinyGenotype
from training.trial import measure, measure_or_fail
from training.trial_settings import TrialSettings

SETTINGS = TrialSettings(dataset="digits", epochs=3, batch_size=32, seed=4, threads=1)


def test_measures_the_last_epoch():
    reports = []
    found = measure(TinyGenotype(), SETTINGS, index=7, report=reports.append)
    assert (found.index, found.status, found.seed, found.error) == (7, "ok", 4, None)
    assert (found.params, found.macs, found.macs_published) == (182, 1232, 1488)
    assert [r["epoch"] for r in reports] == [1, 2, 3]
    assert tuple(r["default"] for r in reports) == found.history
    assert found.accuracy == found.history[-1] > 0.25
    assert reports[0]["macs"] == 1232
    assert found.genotype == TinyGenotype().to_json()
    assert Measurement.from_json(found.to_json()) == found


def test_what_a_training_raises_is_a_failed_measurement_where_that_is_wanted(monkeypatch):
    assert (
        measure_or_fail(TinyGenotype(), SETTINGS, index=7).history
        == measure(TinyGenotype(), SETTINGS, index=7).history
    )

    def fails(*_, **__):
        raise ZeroDivisionError("no images")

    monkeypatch.setattr("training.trial.fit", fails)
    with pytest.raises(ZeroDivisionError):
        measure(TinyGenotype(), SETTINGS, index=7)
    found = measure_or_fail(TinyGenotype(), SETTINGS, index=7)
    assert (found.index, found.status, found.error) == (7, "failed", "ZeroDivisionError: no images")
    assert (found.accuracy, found.macs, found.seed, found.history) == (None, 1232, 4, ())
    with pytest.raises(UserError, match="mnist"):
        measure_or_fail(
            TinyGenotype(), dataclasses.replace(SETTINGS, dataset="mnist", data_dir="/gone"), index=7
        )


def test_same_seed_same_measurement():
    first, second = (measure(TinyGenotype(), SETTINGS, index=0) for _ in range(2))
    assert first.history == second.history
    other = measure(TinyGenotype(), TrialSettings(epochs=3, batch_size=32, seed=5, threads=1), index=0)
    assert first.history != other.history


def test_a_loss_that_is_no_number_is_a_failed_measurement():
    found = measure(TinyGenotype(scale=float("nan")), SETTINGS, index=1)
    assert (found.status, found.accuracy, found.history) == ("failed", None, ())
    assert "the loss is nan in epoch 1 of 3" in found.error


def test_images_of_another_size_are_refused():
    with pytest.raises(UserError, match=r"genotype is for images \(3, 32, 32\)"):
        measure(TinyGenotype(image=(3, 32, 32)), SETTINGS, index=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"threads": -2}, "threads is -2"),
        ({"validation": 0.0}, "validation is 0; accepted: a share"),
        ({"epochs": 0}, "epochs is 0"),
        ({"recipe": "none"}, "recipe is 'none'; accepted"),
    ],
)
def test_settings_are_checked_when_they_are_made(changes, message):
    with pytest.raises(UserError, match=message):
        TrialSettings(**changes)


def test_importing_loads_nothing_heavy():
    """Each of these takes a second or more, in every trial."""
    heavy = ("sklearn", "torchvision", "nni", "scipy", "pandas", "matplotlib", "onnx", "timm")
    program = (
        "import sys, training.trial, training.data.loading\n"
        "training.data.loading.load_data('digits')\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_time_of_one_image_is_measured_where_that_is_asked_and_changes_nothing():
    asked = measure(TinyGenotype(), dataclasses.replace(SETTINGS, latency=True), index=0)
    assert 0 < asked.latency < 1000
    usual = measure(TinyGenotype(), SETTINGS, index=0)
    assert usual.latency is None
    assert usual.history == asked.history


def test_a_network_slower_than_the_budget_is_not_trained():
    reports = []
    settings = dataclasses.replace(SETTINGS, max_latency=1e-6)
    found = measure(TinyGenotype(), settings, index=3, report=reports.append)
    assert (found.status, found.accuracy, found.history, reports) == ("rejected", None, (), [])
    assert found.latency > 1e-6
    assert "above max_latency 1e-06 ms; not trained" in found.error
    assert measure(TinyGenotype(), dataclasses.replace(SETTINGS, max_latency=1e6), index=3).status == "ok"


def test_a_trial_in_stages_goes_on_from_its_checkpoint(tmp_path):
    whole = measure(TinyGenotype(), SETTINGS, index=0)
    staged = dataclasses.replace(SETTINGS, checkpoint=str(tmp_path / "folder" / "state.pt"))
    first = measure(TinyGenotype(), dataclasses.replace(staged, until=1), index=0)
    reports = []
    last = measure(TinyGenotype(), dataclasses.replace(staged, until=3), index=4, report=reports.append)
    assert first.history == whole.history[:1]
    assert (last.history, last.accuracy) == (whole.history, whole.accuracy)
    assert [r["epoch"] for r in reports] == [1, 2, 3]  # those before, too: the portal's curve is whole
