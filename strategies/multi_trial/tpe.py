"""TPE (Bergstra et al., NIPS 2011), NNI's own, over the space's decisions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype, get_space
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.nni_side.quiet_import import quiet_import
from strategies.registry import register_strategy


@dataclass(frozen=True)
class TpeSettings(Options):
    startup: int = option(
        20,
        "results before it models them; until then it draws at random",
        unit="candidates",
        metavar="N",
        least=2,  # NNI's model parts them into good and bad ones
    )


@register_strategy
class Tpe(MultiTrialStrategy):
    """NNI's TpeTuner: each decision's options are weighed by how often the good results have them, against the rest.

    It is shown accuracies alone, in the order of the candidates; failed ones are left out. Its draws are decided by
    the seed and the candidate's index, so that its state is a function of the results.

    Examples:
        >>> from search_space import Problem
        >>> problem = Problem("darts-global", {"width": 4, "cells": 2}, image=(1, 8, 8), classes=10)
        >>> Tpe(problem, seed=0).propose(0, results=[]) == Tpe(problem, seed=0).propose(0, results=[])
        True
    """

    name = "tpe"
    summary = "models which decisions good candidates have in common (NNI's TPE), each trained as a trial"
    Settings = TpeSettings
    settings: TpeSettings

    def __init__(self, problem: Any, seed: int, settings: Any = None, **budget: Any) -> None:
        super().__init__(problem, seed, settings, **budget)
        self.space = get_space(problem.space)
        self.options = {d.label: d.options for d in self.space.decisions(problem)}
        self._shown = 0

    @cached_property
    def _tuner(self) -> Any:
        tuner = quiet_import("nni.algorithms.hpo.tpe_tuner").TpeTuner(
            "maximize", self.seed, {"n_startup_jobs": self.settings.startup}
        )
        # By their places: NNI's options are hashed, and a space's may be lists.
        tuner.update_search_space(
            {label: {"_type": "choice", "_value": list(range(len(o)))} for label, o in self.options.items()}
        )
        return tuner

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        import numpy as np

        self._show(results[self._shown :])
        self._shown = max(self._shown, len(results))
        self._tuner.rng = np.random.default_rng(rng.getrandbits(64))
        try:
            places = self._tuner.generate_parameters(0)
        except quiet_import("nni").NoMoreTrialError as error:
            raise SpaceExhausted(
                f"no architecture of {self.problem.space} is left: all combinations were tried"
            ) from error
        self._tuner.trial_end(0, False)  # what becomes of it is told below, where that is known
        choices = {label: self.options[label][place] for label, place in places.items()}
        return Genotype.of_choices(self.problem, choices)

    def _show(self, results: Sequence[Measurement]) -> None:
        told = []
        for result in results:
            if result.accuracy is not None:
                architecture = Genotype.from_json(result.genotype).architecture
                choices = self.space.choices(self.problem, architecture)
                places = {label: options.index(choices[label]) for label, options in self.options.items()}
                told.append({"parameter": places, "value": result.accuracy})
        self._tuner.import_data(told)
