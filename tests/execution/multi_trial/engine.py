"""An engine that ends trials in any order, and the loop over candidates run against it."""

from __future__ import annotations

import random
import threading
from types import SimpleNamespace

from nni.nas.execution.event import FinalMetricEvent, IntermediateMetricEvent, TrainingEndEvent
from nni.nas.space import ModelStatus

from execution.multi_trial.candidate_loop import CandidateLoop
from execution.nni_bridge.candidates import CandidateEngine, CandidateModel
from execution.nni_bridge.portal_limits import Limits
from records.measurement import Measurement
from search_space import Genotype
from search_space.problem import Problem
from strategies.multi_trial.evolution import Evolution, EvolutionSettings
from training.trial_settings import TrialSettings

PROBLEM = Problem("darts-global", {"width": 4, "cells": 1, "nodes": 2}, (1, 8, 8), 10)
TRIALS = 14
WRONG = {  # results that no reader would take
    "above one": {"accuracy": 1.01}, "no number": {"accuracy": None}, "history": {"history": [2.0]},
    "params": {"params": "many"},
}  # fmt: skip


class Engine(CandidateEngine):
    """Runs ``workers`` trials at a time and, at each tick, ends one of them that chance picks.

    The accuracy of a candidate is a function of its genotype; ``faults``: what becomes of which index.
    """

    def __init__(self, workers: int, order: int, faults: dict[int, str] | None = None) -> None:
        self.workers, self.rng, self.faults = workers, random.Random(order), faults or {}
        self.running: list[CandidateModel] = []
        self.submitted: list[int] = []
        self.ended: list[int] = []
        self.given: list[dict] = []
        self.most = 0

    def register_model_event_callback(self, kind, put) -> None:
        self.put = put

    def unregister_model_event_callback(self, kind, put) -> None:
        pass

    def idle_worker_available(self) -> bool:
        return len(self.running) < self.workers

    def submit_models(self, *models) -> None:
        for model in models:
            self.submitted.append(model.parameters["index"])
            self.given.append(model.parameters)
            self.running.append(model)
        self.most = max(self.most, len(self.running))

    def measured(self, model: CandidateModel, accuracy: float) -> Measurement:
        """What a trial makes of its candidate."""
        genotype = Genotype.from_json(model.parameters["genotype"])
        cost = genotype.cost()
        return Measurement(
            index=model.parameters["index"], genotype=genotype.to_json(), status="ok", accuracy=accuracy,
            macs=cost.macs, macs_published=cost.macs_published, params=cost.params, seconds=1.5, seed=0,
            history=(accuracy / 4, accuracy / 2),
        )  # fmt: skip

    def tick(self) -> None:
        if not self.running:
            return
        model = self.running.pop(self.rng.randrange(len(self.running)))
        index = model.parameters["index"]
        model.trial = f"trial{index}"
        model.cancelled = self.faults.get(index) == "cancel"
        self.ended.append(index)
        fault = self.faults.get(index)
        accuracy = int(Genotype.from_json(model.parameters["genotype"]).key(), 16) % 1000 / 1000
        # as NNI's server may hand them on: in another order
        self.put(IntermediateMetricEvent(model, {"default": accuracy / 2, "epoch": 2}))
        self.put(IntermediateMetricEvent(model, {"default": accuracy / 4, "epoch": 1}))
        final = None
        if fault in (None, "late") or fault in WRONG:
            measured = self.measured(model, accuracy).to_json() | WRONG.get(fault, {})
            final = FinalMetricEvent(model, {"measurement": measured})
        if final is not None and fault != "late":
            self.put(final)
        status = {"crash": ModelStatus.Failed, "kill": ModelStatus.Failed, "cancel": ModelStatus.Failed}.get(
            fault, ModelStatus.Trained
        )
        self.put(TrainingEndEvent(model, status))
        if fault == "late":  # the loop hears of the end alone at first
            threading.Timer(0.05, self.put, [final]).start()


def run(
    engine: Engine,
    *,
    concurrency: int,
    known=(),
    tick=None,
    errors=None,
    trials=TRIALS,
    limits=None,
    measured=None,
    proposed=None,
    strategy=None,
    prepare=None,
    settings=TrialSettings(threads=1),  # noqa: B008 - it is frozen
):
    """What is ``measured``, in the order in which it came; ``limits`` (of what was measured so far) as the portal's;
    ``proposed``: from how many results each candidate was, before and, added to it, now."""
    measured = [] if measured is None else measured
    proposed = {} if proposed is None else proposed
    owner = SimpleNamespace(
        prepare=prepare or (lambda: None),
        limits=lambda: limits(len(measured)) if limits else Limits(trials, concurrency),
        on_proposed=proposed.__setitem__,
        on_measurement=measured.append,
        last_words=lambda trial: (errors or {}).get(trial, ""),
        check_server=tick or engine.tick,
        checkpoint=lambda index: f"/run/candidate-{index}.pt",
    )
    strategy = strategy or Evolution(PROBLEM, 5, EvolutionSettings(population=4, tournament=2))
    loop = CandidateLoop(strategy, settings, owner, known=list(known), seen=dict(proposed))
    loop(CandidateModel({}), engine)
    engine.said = loop.ended
    return measured


def genotypes(measured):
    return [m.genotype for m in sorted(measured, key=lambda m: m.index)]
