"""How long a search will take, from what earlier ones took and from steps of training."""

from __future__ import annotations

import io
import json
import sys

import pytest

from execution.launching import pace as pace_module
from execution.launching import steps
from execution.launching.check import check
from execution.launching.estimate import estimate, search_seconds
from execution.launching.pace import Pace, earlier_pace, fitted, mean_macs, measured_pace
from execution.settings import SearchSettings
from records.measurement import Measurement
from records.run_files.run_folder import RunFolder
from search_space import sample
from search_space.problem import Problem

SMALL = {
    "width": "4",
    "cells": "2",
    "strategy": "random",
    "trials": "4",
    "concurrency": "2",
    "epochs": "2",
    "confirm": "0",
}


def test_a_pace_goes_through_its_points_and_is_never_negative():
    pace = fitted([(1e6, 0.003), (2e6, 0.005), (3e6, 0.007)], "three points")
    assert pace.seconds(4e6) == pytest.approx(0.009)
    falling = fitted([(1e6, 0.004), (2e6, 0.002)], "noise")
    assert falling.each == 0
    assert falling.fixed == pytest.approx(0.003)
    assert fitted([(0, 0.5), (0, 0.7)], "no MACs").seconds(0) == pytest.approx(0.6)


def earlier_run(path, settings, found, seconds):
    """A run folder of a search like that of ``settings``, with candidates that took ``seconds`` a million MACs."""
    trial = settings.trial_settings()
    resolved = {
        **found.data.to_json(), "recipe": trial.make_recipe().to_json(), "device": trial.device, "threads": trial.threads,
    }  # fmt: skip
    run = RunFolder.create(path, settings.to_json(), resolved)
    for index in range(4):
        genotype = sample("darts-global", index, image=(1, 8, 8), width=4, cells=2)
        cost = genotype.cost()
        run.append(
            Measurement(
                index,
                genotype.to_json(),
                "ok",
                0.5,
                cost.macs,
                cost.macs_published,
                cost.params,
                seconds * cost.macs / 1e6,
                0,
            )
        )
    return run


def test_earlier_runs_like_it_give_the_pace(tmp_path):
    found = check(SMALL)
    settings = found.settings
    assert settings is not None
    run = earlier_run(tmp_path / "a", settings, found, seconds=10.0)
    pace = earlier_pace(tmp_path, settings, found.data)
    assert pace is not None
    assert pace.source == "4 candidates of 1 earlier run here"
    # Ten seconds a million MACs, for two epochs of 1150 images.
    assert pace.seconds(1e6) == pytest.approx(10 / (2 * 1150), rel=1e-6)
    told = estimate(found, tmp_path)
    macs = mean_macs(Problem("darts-global", {"width": [4], "cells": [2]}, (1, 8, 8), 10))
    assert told["range"]["smallest"] < macs < told["range"]["largest"]
    # Two rounds of two epochs; a held-out image takes a third of a training image's time.
    images = 1150 + 287 / 3
    assert told["seconds"] == pytest.approx(2 * 2 * images * macs / 1e6 * 10 / (2 * 1150), rel=1e-3)
    assert len(told["lines"]) == 2
    other = check({**SMALL, "batch_size": "16"})
    assert earlier_pace(tmp_path, other.settings, other.data) is None
    (run.path / "settings.json").write_text(json.dumps({"settings": {}}))
    assert earlier_pace(tmp_path, settings, found.data) is None


def test_the_time_is_that_of_rounds_of_trials_and_of_what_is_trained_again():
    found = check(SMALL)
    assert found.settings is not None
    pace = Pace(fixed=0.001, each=0.0, source="made up")
    images = found.data.train_images + found.data.validation_images / 3
    once = 0.001 * images
    # Four candidates, two at the same time, two epochs each.
    assert search_seconds(found.settings, found.data, pace, 1e6) == pytest.approx(2 * 2 * once)
    again = check(
        {**SMALL, "trials": "5", "confirm": "2", "confirm_seeds": "3", "confirm_epochs": "7"}
    ).settings
    # Three rounds of two, and two candidates by three seeds, two at the same time, seven epochs each.
    assert search_seconds(again, found.data, pace, 1e6) == pytest.approx(3 * 2 * once + 3 * 7 * once)
    one_shot = check({"strategy": "darts", "trials": "4", "epochs": "2", "confirm": "0"}).settings
    assert search_seconds(one_shot, found.data, pace, 1e6) == pytest.approx(4 * 2 * once)


def test_steps_taken_now_tell_of_a_search_like_no_other(monkeypatch, capsys):
    """The process that takes them is this one, which has torch at hand."""

    def run(request):
        monkeypatch.setattr(sys, "stdin", io.StringIO(request))
        monkeypatch.setattr(steps, "_MOST_STEPS", 1)
        steps.main()
        return capsys.readouterr().out

    monkeypatch.setattr(pace_module, "_steps", run)
    settings = SearchSettings(width=4, cells=2, strategy="random", batch_size=8)
    problem = Problem("darts-global", {"width": 4, "cells": 2}, (1, 8, 8), 10)
    pace = measured_pace(problem, settings)
    assert pace is not None
    assert pace.source == "steps of 3 random networks, taken now"
    assert 1e-6 < pace.seconds(200_000) < 10.0
    monkeypatch.delattr(pace_module, "_steps")
    assert measured_pace(problem, settings) == pace  # what was measured is kept


def test_what_cannot_be_known_is_said(tmp_path):
    told = estimate(check({"width": "-1"}), tmp_path)
    assert told == {"range": None, "seconds": None, "lines": ["what is wrong comes first"]}
