"""The loop over candidates, as a strategy of NNI: each candidate is a trial of its experiment."""

from __future__ import annotations

import dataclasses
import queue
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from nni.nas.execution.event import (
    FinalMetricEvent,
    IntermediateMetricEvent,
    ModelEventType,
    TrainingEndEvent,
)
from nni.nas.space import ModelStatus
from nni.nas.strategy.base import Strategy

from execution.multi_trial.faults import faults_named
from execution.multi_trial.stages import Stages
from execution.nni_bridge.candidates import CandidateEngine, CandidateModel
from execution.nni_bridge.portal_limits import Limits
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.measurement_lines import checked_measurement
from search_space.genotype import Genotype
from search_space.summary import summary
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from training.trial_settings import TrialSettings

_POLL_SECONDS = 0.05
_LATE_SECONDS = 15.0  # a result may come after the end of its trial by less, on a busy machine by seconds
# So many candidates one after the other that fail within so many seconds: what ails them is not theirs.
_FAILURES, _AT_ONCE_SECONDS = 10, 5.0
SHOWN = "mutation_summary"  # of a trial's parameters what NNI's page shows and draws, where it is there


class Owner(Protocol):
    """Whose candidates these are: asked for limits, and told what becomes of each."""

    def prepare(self) -> None:
        """Does what comes before the first candidate. NNI's server gives up on a loop that is not there within ten seconds
        of its start, so this is called once the loop is."""

    def limits(self) -> Limits:
        """How many candidates are to be measured, and how many at the same time."""

    def on_proposed(self, index: int, seen: int) -> None:
        """A candidate is submitted for the first time, proposed from ``seen`` results."""

    def on_measurement(self, measurement: Measurement) -> None:
        """A candidate is measured; called once for each new one."""

    def last_words(self, trial: str) -> str:
        """What a trial, by NNI's id, said at its end; empty if nothing."""

    def checkpoint(self, index: int) -> Path:
        """Where the training of a candidate that is trained in stages is kept; ``index`` is that of the first."""

    def check_server(self) -> None:
        """Raises if NNI's server is gone."""


@dataclass
class _Trial:
    """A submitted candidate and what came back so far."""

    index: int
    seen: int
    genotype: Genotype
    model: CandidateModel
    started: float
    history: dict[int, float] = field(default_factory=dict)  # by epoch: NNI's server may change their order
    final: dict[str, Any] | None = None
    repeated: bool = False
    ended: tuple[ModelStatus, float] | None = None  # how, and when


class CandidateLoop(Strategy):
    """Asks ``strategy`` for candidates until as many are measured as its ``owner`` allows, or it has none left;
    ``ended`` then says, in words for the user, why that were fewer than at first, and is None otherwise;
    ``exhausted`` is what the strategy said that has none left.

    With M trials at the same time, candidate i is proposed from the results of candidates 0 to i - M alone, in
    order: see `strategies.contract`. M is what the limits say when it is proposed; how many results that were is
    told to the owner, and given back as ``seen`` at a resume. ``known`` are measurements from before it; they are
    proposed again, from as many results as then, to bring the strategy to where it was, but not run. A trial that
    was killed by neither itself nor the user is run again, once. The search ends early where ten candidates one after
    the other fail as soon as they start.
    """

    ended: str | None = None
    exhausted: str | None = None

    def __init__(
        self,
        strategy: MultiTrialStrategy,
        trial: TrialSettings,
        owner: Owner,
        *,
        known: list[Measurement],
        seen: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.strategy, self.trial, self.owner = strategy, trial, owner
        self.results = {measurement.index: measurement for measurement in known}
        self.seen = dict(seen) | {m.index: m.seen for m in known if m.seen is not None}
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.running: dict[int, _Trial] = {}
        self.latest: deque[Measurement] = deque(maxlen=_FAILURES)
        self.stages = Stages(strategy, trial, lambda index: owner.checkpoint(index))

    def _initialize(self, model_space: Any, engine: Any) -> Any:
        for kind in ModelEventType:
            engine.register_model_event_callback(kind, self.events.put)
        return model_space

    def _cleanup(self) -> None:
        for kind in ModelEventType:
            self.engine.unregister_model_event_callback(kind, self.events.put)

    def _run(self) -> None:
        assert isinstance(self.engine, CandidateEngine)
        assert isinstance(self.model_space, CandidateModel)
        first, index = self.owner.limits(), 0
        self.owner.prepare()
        self.owner.check_server()  # which was not watched meanwhile
        while True:
            limits = self.owner.limits()
            if limits.over is None:
                limits = limits._replace(over=self._all_fail_at_once())
            if limits.over is None and index < limits.trials and self.exhausted is None:
                try:
                    proposed = self._propose(index, limits.concurrency)
                except SpaceExhausted as end:
                    self.exhausted, proposed = str(end), False
                if proposed:
                    index += 1
                    continue
            elif not self.running:
                break
            self._handle_events()
            self.owner.check_server()
            time.sleep(_POLL_SECONDS)
        self.ended = _reason(first, limits, self.exhausted, len(self.results))

    def _all_fail_at_once(self) -> str | None:
        """In words, if the latest candidates did."""
        latest = self.latest
        failed = all(each.status == "failed" and each.seconds < _AT_ONCE_SECONDS for each in latest)
        if len(latest) < _FAILURES or not failed:
            return None
        return f"the last {_FAILURES} failed at once, the last one by: {latest[-1].error}"

    def _propose(self, index: int, concurrency: int) -> bool:
        """Proposes the candidate of that index, and submits it unless it is measured; whether that could be."""
        known = self.results.get(index)
        seen = min(index, self.seen.get(index, max(0, index - concurrency + 1)))
        if any(i not in self.results for i in range(seen)):
            return False
        if known is None and not self.engine.idle_worker_available():
            return False
        with faults_named(self.strategy):
            genotype = self.strategy.propose(index, [self.results[i] for i in range(seen)])
        self.stages.note(index)
        if known is None:
            if index not in self.seen:
                self.seen[index] = seen
                self.owner.on_proposed(index, seen)
            self._submit(index, seen, genotype)
        return True

    def _submit(self, index: int, seen: int, genotype: Genotype, *, repeated: bool = False) -> None:
        parameters = {
            "index": index,
            "genotype": genotype.to_json(),
            "trial": self.stages.trial_of(index).to_json(),
            SHOWN: {"candidate": index, **summary(genotype)},
        }
        model = self.model_space.candidate(parameters)  # type: ignore[union-attr]
        self.running[id(model)] = _Trial(index, seen, genotype, model, time.monotonic(), repeated=repeated)
        self.engine.submit_models(model)

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
                trial.ended = event.status, time.monotonic()
        for trial in list(self.running.values()):
            if trial.ended is not None:
                self._conclude(trial, *trial.ended)

    def _conclude(self, trial: _Trial, status: ModelStatus, when: float) -> None:
        """Records the trial, unless its result may still be on its way: NNI's server stores a metric before it passes it
        on, and may tell of the trial's end meanwhile."""
        awaited = status == ModelStatus.Trained and trial.final is None
        if awaited and time.monotonic() < when + _LATE_SECONDS:
            return
        del self.running[id(trial.model)]
        if self._was_killed(trial, status):
            self._submit(trial.index, trial.seen, trial.genotype, repeated=True)
            return
        measurement = self.stages.marked(self._measurement(trial, status))
        self.results[trial.index] = measurement
        self.latest.append(measurement)
        self.owner.on_measurement(measurement)

    def _was_killed(self, trial: _Trial, status: ModelStatus) -> bool:
        """Whether the trial ended by no fault of its own (for want of memory, say), for the first time."""
        failed = status != ModelStatus.Trained and not trial.repeated
        return failed and not trial.model.cancelled and not self.owner.last_words(trial.model.trial or "")

    def _measurement(self, trial: _Trial, status: ModelStatus) -> Measurement:
        """What the trial measured, or a record of why it did not. What a later reading would refuse is not taken."""
        refused = None
        if trial.final is not None and status == ModelStatus.Trained:
            try:
                measured = checked_measurement(trial.final.get("measurement"))
            except (UserError, TypeError) as error:
                refused = f"the trial's result cannot be taken: {error}"
            else:
                return dataclasses.replace(measured, trial=trial.model.trial, seen=trial.seen)
        cost = trial.genotype.cost()
        cancelled = trial.model.cancelled
        return Measurement(
            index=trial.index,
            genotype=trial.genotype.to_json(),
            status="cancelled" if cancelled else "failed",
            accuracy=None,
            macs=cost.macs,
            macs_published=cost.macs_published,
            params=cost.params,
            seconds=round(time.monotonic() - trial.started, 3),
            seed=self.trial.seed,
            history=tuple(value for _, value in sorted(trial.history.items()) if 0 <= value <= 1),
            trial=trial.model.trial,
            error="by the portal's user" if cancelled else refused or self._why(trial, status),
            time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            seen=trial.seen,
        )

    def _why(self, trial: _Trial, status: ModelStatus) -> str:
        said = self.owner.last_words(trial.model.trial or "")
        if status == ModelStatus.Trained:
            return f"the trial ended without a result. {said}".strip()
        return said or "the trial was killed"


def _reason(first: Limits, last: Limits, exhausted: str | None, measured: int) -> str | None:
    if measured >= first.trials:
        return None
    why = exhausted or last.over or f"Max trial No. was set to {last.trials} in the portal"
    return f"Ended with {measured} of {first.trials} candidates: {why}"
