"""A budget of latency, whatever the strategy: what is above it is never trained, no result, and not exported."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.front import front
from analysis.run import read_run
from analysis.selection.choice import choose
from analysis.selection.picking import pick
from execution.multi_trial import candidate_loop
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from search_space import Genotype
from strategies.registry import strategy_names
from tests.execution.multi_trial.engine import Engine, run
from tests.strategies.table import PROBLEM, begun, worth
from tests.strategies.test_contract import made
from training import trial
from training.fit import EpochResult
from training.trial import measure
from training.trial_settings import TrialSettings

TRIALS = 12
LIMIT = 1.0  # milliseconds: about half of the architectures that chance finds take less


def milliseconds(genotype: Genotype) -> float:
    return genotype.cost().macs / 1e5


class Trials(Engine):
    """Each candidate is judged as a trial does, but for the clock and the training; ``trained`` are those that came to it."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        super().__init__(workers=1, order=0)
        self.trained: list[Genotype] = []
        patched.setattr(
            trial, "measured_latency", lambda *_, **__: SimpleNamespace(median=milliseconds(self.now))
        )
        patched.setattr(trial, "fit", self._fit)

    def _fit(self, model, data, recipe, *, on_epoch, **_):
        self.trained.append(self.now)
        on_epoch(EpochResult(1, 1.0, 0.5, worth(self.now), 0.1, 1.0))

    def measured(self, model, accuracy):
        self.now = Genotype.from_json(model.parameters["genotype"])
        return measure(self.now, TrialSettings(**model.parameters["trial"]), index=model.parameters["index"])


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(candidate_loop, "_POLL_SECONDS", 0)


@pytest.mark.parametrize("name", strategy_names(one_shot=False))
def test_what_takes_longer_is_never_trained_no_result_and_not_exported(name, tmp_path, monkeypatch):
    engine = Trials(monkeypatch)
    folder = RunFolder.create(
        tmp_path / "run",
        {"strategy": name, "space": PROBLEM.space, "dataset": "digits", "trials": TRIALS, "max_latency": LIMIT},
    )  # fmt: skip
    settings = TrialSettings(train_limit=80, batch_size=32, epochs=9, max_latency=LIMIT)
    measured = run(engine, concurrency=1, trials=TRIALS, strategy=made(name), settings=settings)
    for each in measured:
        folder.append(each)
    slow = [m for m in measured if milliseconds(Genotype.from_json(m.genotype)) > LIMIT]
    assert 0 < len(slow) < TRIALS
    assert len(set(begun(measured))) == len(begun(measured))  # nor are they proposed again
    assert all(milliseconds(genotype) <= LIMIT for genotype in engine.trained)
    assert len(engine.trained) == TRIALS - len(slow)
    for each in slow:
        assert (each.status, each.accuracy, each.history) == ("rejected", None, ())
        assert "above max_latency 1 ms; not trained" in each.error
        with pytest.raises(UserError, match=f"candidate {each.index}, was rejected: latency"):
            choose(folder.path, each.index)
    _no_result(folder.path, {each.index for each in slow})


def _no_result(path: Path, slow: set[int]) -> None:
    """None of them is on the front, nor what an export takes by itself."""
    done = read_run(path)
    assert not slow & {m.index for m in (*done.ok, *done.partial, *front(done.measurements))}
    if done.ok:
        taken = [choose(path), *pick(path, "front")]
        assert not slow & {choice.measurement.index for choice in taken}
