"""Our spaces in an experiment of NNI's that is the user's own, and a user's strategy in a search of ours."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.evaluator.pytorch import Classification, DataLoader
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.strategy import (
    DARTS,
    TPE,
    GridSearch,
    GumbelDARTS,
    Proxyless,
    Random,
    RandomOneShot,
    RegularizedEvolution,
)
from torch.utils.data import TensorDataset

import pde_nas
import run_search
from records.errors import UserError
from search_space import Genotype, Problem, get_space
from tests.integration.programs import records

FEW = ["skip_connect", "max_pool_3x3", "sep_conv_3x3", "global_1"]
CELLS = Problem("darts-global", {"width": 4, "cells": 3, "nodes": 3, "primitives": FEW}, (1, 8, 8), 10)
SIZES = [
    Problem("darts-global", {"width": [4, 8], "cells": 2, "nodes": 2, "primitives": FEW}, (1, 8, 8), 10),
    Problem("tiny-global", {}, (1, 8, 8), 10),
]


def parameters(model) -> float:
    """In place of a training."""
    import nni

    count = sum(p.numel() for p in model.parameters())
    nni.report_final_result(float(count))
    return count


def training() -> Classification:
    """Three steps on noise, as a user's own evaluator has them."""
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(12, 1, 8, 8), torch.arange(12) % 10)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    return Classification(
        train_dataloaders=DataLoader(data, batch_size=4), val_dataloaders=DataLoader(data, batch_size=4),
        num_classes=10, max_epochs=1, accelerator="cpu", **quiet,
    )  # fmt: skip


@contextlib.contextmanager
def experiment(problem: Problem, evaluator: Any, strategy: Any, folder: Path) -> Iterator[NasExperiment]:
    """A user's own experiment, run to its end."""
    config = NasExperimentConfig("sequential", "raw", "local")
    config.max_trial_number = 4
    config.experiment_working_directory = str(folder)
    own = NasExperiment(get_space(problem.space).model_space(problem), evaluator, strategy, config)
    try:
        own.run(port=None)
        yield own
    finally:
        own.stop()


MULTI_TRIAL = {
    "random": lambda: Random(seed=0),
    "evolution": lambda: RegularizedEvolution(population_size=2, sample_size=1, seed=0),
    "tpe": lambda: TPE(seed=0),
    "grid": lambda: GridSearch(seed=0),
}


@pytest.mark.parametrize("strategy", MULTI_TRIAL)
@pytest.mark.parametrize("problem", [CELLS, *SIZES], ids=["cells", "sizes", "tiny"])
def test_a_space_of_ours_runs_in_an_experiment_of_the_users(problem, strategy, tmp_path):
    with experiment(problem, FunctionalEvaluator(parameters), MULTI_TRIAL[strategy](), tmp_path) as own:
        best = own.export_top_models(4, formatter="dict")
    labels = {decision.label for decision in get_space(problem.space).decisions(problem)}
    assert len(best) == 4
    assert all(set(sample) == labels for sample in best)


@pytest.mark.parametrize("strategy", [DARTS, GumbelDARTS, Proxyless, RandomOneShot])
def test_cells_of_ours_are_a_supernet_in_an_experiment_of_the_users(strategy, tmp_path):
    with experiment(CELLS, training(), strategy(), tmp_path) as own:
        (best,) = own.export_top_models(1, formatter="dict")
    assert set(best) == {decision.label for decision in get_space(CELLS.space).decisions(CELLS)}
    assert Genotype.of_choices(CELLS, best).build()(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("strategy", [DARTS, RandomOneShot])
@pytest.mark.parametrize("problem", SIZES, ids=["sizes", "tiny"])
def test_a_space_without_a_supernet_says_so_before_any_training(problem, strategy, tmp_path):
    said = f"strategy is {strategy.__name__}, one-shot, and {problem.space} has no supernet of these settings"
    with (
        pytest.raises(UserError, match=said),
        experiment(problem, training(), strategy(), tmp_path),
    ):
        pass


@pytest.fixture
def quick(monkeypatch):
    """Trials that train nothing."""
    monkeypatch.setattr("execution.nni_bridge.experiment.TRIAL_MODULE", "tests.integration.quick_trial")
    monkeypatch.setattr("execution.trials.preloaded.preloaded_trials", contextlib.nullcontext)
    monkeypatch.setenv(
        "PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep
    )  # trials find `tests`


def test_a_users_strategy_searches_our_space_and_is_resumed(tmp_path, quick):
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


@pytest.mark.parametrize("strategy", [TPE, GridSearch])
def test_nnis_own_as_objects_search_our_space(strategy, tmp_path, quick):
    settings = run_search.SearchSettings(
        width=4, cells=2, trials=3, concurrency=2, port=0, run_dir=str(tmp_path / "run"), confirm=0
    )
    assert run_search.search(settings, strategy=strategy()).best.accuracy == 0.52
    assert len({str(record["genotype"]) for record in records(tmp_path / "run")}) == 3


def test_an_object_that_trains_a_supernet_searches_our_cells_and_is_resumed(tmp_path):
    settings = pde_nas.SearchSettings(
        strategy="nni-one-shot", width=4, cells=2, setting="nodes=2", primitives="skip_connect,max_pool_3x3,global_1",
        train_limit=200, supernet_epochs=1, epochs=1, trials=2, port=0, run_dir=str(tmp_path / "run"), confirm=0,
    )  # fmt: skip
    outcome = pde_nas.search(settings, strategy=Proxyless())
    first = records(tmp_path / "run")
    assert [record["status"] for record in first] == ["ok", "ok"]
    assert outcome.best.accuracy == max(record["accuracy"] for record in first)
    with pytest.raises(UserError, match="accepted from Python alone"):
        pde_nas.resume(tmp_path / "run", trials=3, port=0)
    with pytest.raises(UserError, match="strategy is a .*:GumbelDARTS; accepted: as in the run"):
        pde_nas.resume(tmp_path / "run", trials=3, port=0, strategy=GumbelDARTS())
    pde_nas.resume(tmp_path / "run", trials=3, port=0, strategy=Proxyless())
    assert [r["genotype"] for r in records(tmp_path / "run")][:2] == [r["genotype"] for r in first]
    assert len(records(tmp_path / "run")) == 3


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"strategy": "nni", "nni_strategy": "nni.nas.strategy:DARTS"}, "run by --strategy nni-one-shot --nni-one-shot"),
        ({"strategy": "nni-one-shot", "nni_one_shot": "nni.nas.strategy:TPE"}, "run by --strategy nni --nni-strategy"),
        ({"strategy": "nni-one-shot", "nni_one_shot": "nni.nas.strategy:None_such"}, "accepted: MODULE:CLASS"),
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(
    named, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        run_search.search(run_search.SearchSettings(width=4, cells=2, port=0, **named))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "given", "said"),
    [
        ({"strategy": "darts", "mac_penalty": 0.1}, DARTS, "mac_penalty is 0.1; .*settings of nni-one-shot: supernet_epochs"),
        ({"strategy": "asha", "min_epochs": 7}, TPE, "min_epochs is 7; accepted beside .*settings of nni: none"),
        (
            {"strategy": "nni-one-shot", "nni_one_shot": "nni.nas.strategy:RandomOneShot"}, DARTS,
            "nni_one_shot is 'nni.nas.strategy:RandomOneShot'; accepted beside",
        ),
    ],
)  # fmt: skip
def test_settings_of_another_strategy_beside_an_object_are_refused(settings, given, said, tmp_path):
    with pytest.raises(UserError, match=said):
        pde_nas.search(pde_nas.SearchSettings(run_dir=str(tmp_path / "run"), **settings), strategy=given())
    assert list(tmp_path.iterdir()) == []


def test_a_search_by_name_says_nothing_but_its_own_words(tmp_path):
    words = (
        "search --strategy nni-one-shot --supernet-epochs 1 --trials 1 --epochs 1 --train-limit 120 --batch-size 64 --width 4 "
        "--cells 2 --primitives skip_connect,global_1 --confirm 0 --portal off --run-dir"
    )
    done = subprocess.run(
        [sys.executable, "-m", "run_search", *words.split(), str(tmp_path / "run")],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "it/s" not in line and "%|" not in line] == []
    assert "Validation dataloaders are missing" in (tmp_path / "run" / "oneshot.log").read_text()


def test_an_object_for_a_search_of_another_strategy_is_refused(tmp_path):
    settings = pde_nas.SearchSettings(
        strategy="darts", width=4, cells=2, setting="nodes=2", primitives="skip_connect,global_1", train_limit=200,
        supernet_epochs=1, epochs=1, trials=1, portal="off", run_dir=str(tmp_path / "run"), confirm=0,
    )  # fmt: skip
    pde_nas.search(settings)
    with pytest.raises(
        UserError, match="strategy darts takes no strategy of NNI's; accepted: strategy nni-one-shot"
    ):
        pde_nas.resume(tmp_path / "run", trials=2, strategy=DARTS())
