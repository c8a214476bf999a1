"""Candidates that are trained in stages: what a trial of one is told, and how its measurement is marked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from records.measurement import Measurement
from strategies.contract import MultiTrialStrategy
from training.trial_settings import TrialSettings


class Stages:
    """Of a search by ``strategy``, whose candidates are judged by ``trial``; ``checkpoint`` gives the file in which
    the training of a candidate is kept, by the index of the stage that began it. A strategy without stages changes
    nothing."""

    def __init__(
        self, strategy: MultiTrialStrategy, trial: TrialSettings, checkpoint: Callable[[int], Path]
    ) -> None:
        self.strategy, self.trial, self.checkpoint = strategy, trial, checkpoint
        self._first: dict[int, int] = {}  # by candidate, the one that began

    def note(self, index: int) -> None:
        """The candidate of that index is proposed; called in the order of the indices, measured ones among them."""
        stage = self.strategy.stage(index)
        if stage is not None:
            self._first[index] = index if stage.continues is None else self._first[stage.continues]

    def trial_of(self, index: int) -> TrialSettings:
        """How the candidate is judged."""
        stage = self.strategy.stage(index)
        if stage is None:
            return self.trial
        # What has begun goes on: its latency was within the budget when it was measured first.
        most = self.trial.max_latency if stage.continues is None else None
        kept = str(self.checkpoint(self._first[index]))
        return dataclasses.replace(
            self.trial, until=stage.epochs, share=stage.share, checkpoint=kept, max_latency=most
        )

    def marked(self, measurement: Measurement) -> Measurement:
        """The measurement with what the strategy decided of its training."""
        stage = self.strategy.stage(measurement.index)
        if stage is None:
            return measurement
        partial = measurement.status == "ok" and not stage.whole
        return dataclasses.replace(
            measurement,
            status="partial" if partial else measurement.status,
            epochs=stage.epochs,
            share=stage.share,
            continues=stage.continues,
        )
