"""Latencies of a supernet's networks: predicted by a table that is fitted, tested, kept and read back."""

from __future__ import annotations

import dataclasses
import json

import pytest

from records.errors import UserError
from search_space.sampling import random_genotype
from strategies.multi_trial.supernet_pareto import SupernetPareto
from strategies.shared_weights.latencies import CALIBRATION, TESTED, latency_table
from strategies.workplace import Workplace
from tests.strategies.shared_weights.conftest import TRIAL
from training import latency_table as tables
from training.latency import Latency


@pytest.fixture
def timed(monkeypatch):
    """A microsecond for each parameter; networks 1 ms more. What was timed, and in which runtime."""
    asked = []

    def measure(module, image, device, *, batch, threads, runtime=None):
        whole = runtime is not None  # operations are timed in PyTorch
        asked.append((whole, batch, threads, runtime))
        value = 1e-3 * sum(p.numel() for p in module.parameters()) + whole
        return Latency(value, value, value)

    monkeypatch.setattr(tables, "measured_latency", measure)
    return asked


def test_it_is_fitted_and_its_error_said_and_it_is_read_back(problem, timed, tmp_path, capsys):
    trial = dataclasses.replace(TRIAL, latency_batch=2, latency_threads=3, latency_runtime="onnx")
    table = latency_table(problem, trial, 0, tmp_path / "table.json")
    whole = [each for each in timed if each[0]]
    assert len(whole) == CALIBRATION + TESTED
    assert set(timed) == {(True, 2, 3, "onnx"), (False, 2, 3, None)}
    assert f"n = {TESTED}; mark at most 15% in the median: met" in capsys.readouterr().out
    assert (table.scale, table.overhead) == (pytest.approx(1), pytest.approx(1))
    assert len(json.loads((tmp_path / "table.json").read_text())["errors"]) == TESTED
    count = len(timed)
    again = latency_table(problem, trial, 0, tmp_path / "table.json")
    assert (again.milliseconds, again.scale) == (table.milliseconds, table.scale)
    network = random_genotype(problem, 3).build(seed=0)
    assert again.predict(network, problem.image) == table.predict(network, problem.image)
    assert len(timed) == count


@pytest.mark.parametrize("text", ["{}", '{"milliseconds": 3}', '{"milliseconds": {"a": "b"}}', "[1"])
def test_a_damaged_table_is_told(problem, tmp_path, text):
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"table\.json"):
        latency_table(problem, TRIAL, 0, path)


def test_a_search_for_latency_judges_by_the_table_and_goes_on_without_timing(problem, timed, tmp_path):
    settings = SupernetPareto.Settings(
        objectives="accuracy,latency", supernet_epochs=1, supernet_steps=1, judged=12, controls=0
    )
    assert SupernetPareto.measures_latency(settings)

    def chosen(strategy):
        strategy.prepare(Workplace(tmp_path, TRIAL, trials=3))
        return [strategy.propose(index, []).key() for index in range(3)]

    first = chosen(SupernetPareto(problem, 0, settings))
    judged = [json.loads(line) for line in (tmp_path / "judged.jsonl").read_text().splitlines()]
    parameters = [record["latency"] * 1000 - 1000 for record in judged]
    assert parameters == pytest.approx([record["params"] for record in judged], rel=0.05)
    (tmp_path / "chosen.json").unlink()
    count = len(timed)
    assert chosen(SupernetPareto(problem, 0, settings)) == first
    assert len(timed) == count


def test_a_search_without_accuracy_is_refused():
    with pytest.raises(UserError, match="accepted by supernet-pareto: accuracy among them"):
        SupernetPareto.Settings(objectives="macs,latency")
