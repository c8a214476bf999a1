"""Our spaces in an experiment of NNI's that is the user's own, and a user's strategy in a search of ours."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.strategy import Random, RegularizedEvolution

import pde_nas
from records.errors import UserError
from search_space import Problem, get_space
from tests.integration.programs import records

PROBLEM = Problem("darts-global", {"width": 4, "cells": 2, "nodes": 2}, image=(1, 8, 8), classes=10)


def parameters(model) -> float:
    """In place of a training."""
    import nni

    count = sum(p.numel() for p in model.parameters())
    nni.report_final_result(float(count))
    return count


@pytest.mark.parametrize(
    "strategy",
    [Random(seed=0), RegularizedEvolution(population_size=2, sample_size=1, seed=0)],
    ids=["random", "evo"],
)
def test_a_space_of_ours_runs_in_an_experiment_of_the_users(strategy, tmp_path):
    config = NasExperimentConfig("sequential", "raw", "local")
    config.max_trial_number = 4
    config.experiment_working_directory = str(tmp_path)
    space = get_space(PROBLEM.space).model_space(PROBLEM)
    experiment = NasExperiment(space, FunctionalEvaluator(parameters), strategy, config)
    experiment.run(port=None)
    best = experiment.export_top_models(4, formatter="dict")
    experiment.stop()
    labels = {decision.label for decision in get_space(PROBLEM.space).decisions(PROBLEM)}
    assert len(best) == 4
    assert all(set(sample) == labels for sample in best)


def test_a_users_strategy_searches_our_space_and_is_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr("execution.nni_bridge.experiment.TRIAL_MODULE", "tests.integration.quick_trial")
    monkeypatch.setattr("execution.trials.preloaded.preloaded_trials", contextlib.nullcontext)
    monkeypatch.setenv(
        "PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep
    )  # trials find `tests`
    settings = pde_nas.SearchSettings(
        width=4, cells=2, trials=4, concurrency=2, port=0, run_dir=str(tmp_path / "run"), confirm=0
    )

    def mine():
        return RegularizedEvolution(population_size=2, sample_size=2, seed=5)

    outcome = pde_nas.search(settings, strategy=mine())
    assert len(records(tmp_path / "run")) == 4
    assert outcome.best.accuracy == 0.53
    with pytest.raises(UserError, match="accepted from Python alone"):
        pde_nas.resume(tmp_path / "run", trials=6, port=0)
    pde_nas.resume(tmp_path / "run", strategy=mine(), trials=6, port=0)
    resumed = [r["genotype"] for r in sorted(records(tmp_path / "run"), key=lambda r: r["index"])]
    whole = settings.to_json() | {"run_dir": str(tmp_path / "whole"), "trials": 6}
    pde_nas.search(pde_nas.SearchSettings.from_json(whole), strategy=mine())
    assert [r["genotype"] for r in sorted(records(tmp_path / "whole"), key=lambda r: r["index"])] == resumed
