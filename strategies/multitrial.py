"""Multi-trial search: each candidate is a trial of an NNI experiment."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from nni.nas.execution.event import (
    FinalMetricEvent,
    IntermediateMetricEvent,
    ModelEventType,
    TrainingEndEvent,
)
from nni.nas.space import ModelStatus
from nni.nas.strategy.base import Strategy

from search_space.genotype import Genotype
from search_space.measurement import Measurement
from strategies.nni_compat import CandidateEngine, CandidateModel
from strategies.proposers import Proposer
from training.trial import TrialSettings

_POLL_SECONDS = 0.05
_ERROR_LINES = 3


@dataclass
class _Trial:
    """A submitted candidate and what came back so far."""

    index: int
    model: CandidateModel
    started: float
    history: dict[int, float] = field(default_factory=dict)  # by epoch: NNI's server may change their order
    final: dict[str, Any] | None = None
    repeated: bool = False


class MultiTrial(Strategy):
    """Asks ``proposer`` for candidates until ``trials`` are measured.

    Candidate i is proposed from the results of candidates 0 to i - ``concurrency`` alone, in order: see
    `strategies.proposers`. ``known`` are measurements from before a resume; they are proposed again, to bring
    the proposer to where it was, but not run. ``on_measurement`` is called once for each new one;
    ``find_error`` gives the last words of a trial by NNI's id; ``recovered`` the candidates that NNI runs
    again by itself; ``was_cancelled`` whether the portal's user ended a trial; ``check_server`` raises if
    NNI's server is gone. A trial that was killed by neither itself nor the user is run again, once.
    """

    def __init__(
        self,
        proposer: Proposer,
        trial: TrialSettings,
        *,
        trials: int,
        concurrency: int,
        known: list[Measurement],
        on_measurement: Callable[[Measurement], None],
        find_error: Callable[[str], str],
        recovered: Callable[[], dict[int, int]],
        check_server: Callable[[], None],
        was_cancelled: Callable[[str], bool] = lambda trial: True,
    ) -> None:
        super().__init__()
        self.proposer, self.trial = proposer, trial
        self.trials, self.concurrency = trials, concurrency
        self.results = {measurement.index: measurement for measurement in known}
        self.on_measurement, self.find_error = on_measurement, find_error
        self.recovered, self.check_server = recovered, check_server
        self.was_cancelled = was_cancelled
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.running: dict[int, _Trial] = {}

    def _initialize(self, model_space: Any, engine: Any) -> Any:
        for kind in ModelEventType:
            engine.register_model_event_callback(kind, self.events.put)
        return model_space

    def _cleanup(self) -> None:
        for kind in ModelEventType:
            self.engine.unregister_model_event_callback(kind, self.events.put)

    def _run(self) -> None:
        engine, space = self.engine, self.model_space
        assert isinstance(engine, CandidateEngine)
        assert isinstance(space, CandidateModel)
        adopted = self.recovered()
        index = 0
        while len(self.results) < self.trials:
            if index < self.trials and self._may_propose(index):
                seen = [self.results[i] for i in range(max(0, index - self.concurrency + 1))]
                if index in self.results:
                    self.proposer.propose(index, seen)
                    index += 1
                    continue
                if index in adopted or engine.idle_worker_available():
                    model = space.candidate(self._parameters(index, self.proposer.propose(index, seen)))
                    self.running[id(model)] = _Trial(index, model, time.monotonic())
                    if index in adopted:
                        engine.adopt(adopted[index], model)
                    else:
                        engine.submit_models(model)
                    index += 1
                    continue
            self._handle_events()
            self.check_server()
            time.sleep(_POLL_SECONDS)

    def _may_propose(self, index: int) -> bool:
        return all(i in self.results for i in range(max(0, index - self.concurrency + 1)))

    def _parameters(self, index: int, genotype: Genotype) -> dict[str, Any]:
        return {"index": index, "genotype": genotype.to_json(), "trial": self.trial.to_json()}

    def _handle_events(self) -> None:
        while not self.events.empty():
            event = self.events.get()
            trial = self.running.get(id(event.model))
            if trial is None:
                continue
            if isinstance(event, IntermediateMetricEvent):
                metric: dict[str, Any] = dict(event.metric)  # type: ignore[arg-type]
                epoch = metric.get("epoch", len(trial.history) + 1)
                trial.history[epoch] = float(metric["default"])
            elif isinstance(event, FinalMetricEvent):
                trial.final = dict(event.metric)  # type: ignore[arg-type]
            elif isinstance(event, TrainingEndEvent):
                del self.running[id(event.model)]
                if self._was_killed(trial, event.status):
                    self._repeat(trial)
                    continue
                measurement = self._measurement(trial, event.status)
                self.results[trial.index] = measurement
                self.on_measurement(measurement)

    def _was_killed(self, trial: _Trial, status: ModelStatus) -> bool:
        """Whether the trial ended by no fault of its own (for want of memory, say), for the first time."""
        name = trial.model.trial or ""
        failed = status != ModelStatus.Trained and not trial.repeated
        return failed and not self.find_error(name) and not self.was_cancelled(name)

    def _repeat(self, trial: _Trial) -> None:
        assert trial.model.parameters is not None
        model = self.model_space.candidate(trial.model.parameters)  # type: ignore[union-attr]
        self.running[id(model)] = _Trial(trial.index, model, time.monotonic(), repeated=True)
        self.engine.submit_models(model)

    def _measurement(self, trial: _Trial, status: ModelStatus) -> Measurement:
        assert trial.model.parameters is not None
        genotype = trial.model.parameters["genotype"]
        cost = Genotype.from_json(genotype).cost()
        final = trial.final if status == ModelStatus.Trained else None
        error = None
        if final is None:
            said = self.find_error(trial.model.trial or "")
            if status == ModelStatus.Trained:
                error = f"the trial ended without a result. {said}".strip()
            else:
                error = said or "the trial was killed"
        return Measurement(
            index=trial.index,
            genotype=genotype,
            status="ok" if final is not None else "failed",
            accuracy=None if final is None else float(final["default"]),
            macs=cost.macs,
            macs_published=cost.macs_published,
            params=cost.params,
            seconds=round(final["seconds"] if final is not None else time.monotonic() - trial.started, 3),
            seed=self.trial.seed,
            history=tuple(trial.history[epoch] for epoch in sorted(trial.history)),
            trial=trial.model.trial,
            error=error,
            time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )


def last_words(experiment_folder: Path, trial: str) -> str:
    """The end of what a trial wrote to stderr, on one line; empty if it said nothing."""
    if not trial:
        return ""
    for path in experiment_folder.glob(f"environments/*/trials/{trial}/trial.stderr"):
        lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
        return " | ".join(lines[-_ERROR_LINES:])[-500:]
    return ""
