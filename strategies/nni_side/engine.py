"""An execution engine of NNI that is asked and told: it trains nothing, and its strategy waits until it is asked.

The strategy runs in a thread of its own, because NNI's strategies are loops. One of the two threads rests at any
time, so what a strategy does is decided by what it is told. Importing this module imports NNI.
"""

from __future__ import annotations

import threading
from typing import Any

from records.errors import UserError
from strategies.contract import SpaceExhausted
from strategies.nni_side.quiet_import import quiet_import
from strategies.nni_side.space import DecisionSpace

quiet_import("nni.nas.execution")
from nni.nas.execution import ExecutionEngine  # noqa: E402
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent  # noqa: E402
from nni.nas.space import ModelStatus  # noqa: E402


class SampledSpace(DecisionSpace):
    """The decisions, or one sample of them once it is frozen."""

    def freeze(self, sample: dict[str, Any]) -> SampledSpace:
        self.validate(sample)
        model = SampledSpace({})
        model.sample, model.status = dict(sample), ModelStatus.Frozen
        return model


class AskedEngine(ExecutionEngine):
    """Runs ``strategy`` over ``space`` as far as it is asked for models: `ask` gives the next one, `tell` what became
    of one. `close` ends it."""

    def __init__(self, strategy: Any, space: SampledSpace) -> None:
        super().__init__()
        self.name = type(strategy).__name__
        self._changed = threading.Condition()
        self._submitted: list[SampledSpace] = []
        self._models: list[SampledSpace] = []
        self._wanted = self._closed = self._waits = self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(strategy, space), daemon=True)

    def ask(self) -> SampledSpace:
        """The next model that the strategy submits.

        Raises `SpaceExhausted` if it has ended, `UserError` if it failed or waits for results that are not known.
        """
        if self._thread.ident is None:
            self._thread.start()
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._submitted or self._waits or self._ended)
            self._wanted = False
            if self._submitted:
                return self._submitted.pop(0)
            if self._error is not None:
                raise UserError(f"NNI's strategy {self.name} failed: {self._error!r}") from self._error
            if self._waits:
                raise UserError(
                    f"NNI's strategy {self.name} waits for the results of candidates that are being trained; "
                    "accepted: --concurrency 1"
                )
            raise SpaceExhausted(f"NNI's strategy {self.name} has ended")

    def tell(self, model: SampledSpace, accuracy: float | None) -> None:
        """What a model came to, in [0, 1]; None: it failed."""
        with self._changed:
            if accuracy is not None:
                self.dispatch_model_event(FinalMetricEvent(model, accuracy))
            status = ModelStatus.Failed if accuracy is None else ModelStatus.Trained
            self.dispatch_model_event(TrainingEndEvent(model, status))
            self._waits = False
            self._changed.notify_all()

    def close(self) -> None:
        """Lets the strategy come to its end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self, strategy: Any, space: SampledSpace) -> None:
        try:
            strategy(space, self)
        except BaseException as error:  # noqa: BLE001 - it is told to who asked
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    # What the strategy calls, in its thread.

    def idle_worker_available(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._closed)
            return not self._closed

    def budget_available(self) -> bool:
        return not self._closed

    def submit_models(self, *models: Any) -> None:
        with self._changed:
            for model in models:
                model.status = ModelStatus.Training
                self._submitted.append(model)
                self._models.append(model)
            self._wanted = False
            self._changed.notify_all()

    def wait_models(self, *models: Any) -> None:
        models = models or tuple(self._models)
        with self._changed:
            while not self._closed and not all(model.status.completed() for model in models):
                self._waits = True
                self._changed.notify_all()
                self._changed.wait()
            self._waits = False

    def list_models(self, status: Any = None) -> list[Any]:
        return [model for model in self._models if status in (None, model.status)]

    def shutdown(self) -> None:
        self.close()
