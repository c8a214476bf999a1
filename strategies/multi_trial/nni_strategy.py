"""Any multi-trial strategy of NNI's, built in or a user's own, over the spaces of this project."""

from __future__ import annotations

import random
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype, get_space
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.nni_side.users import copied, made, require_given
from strategies.registry import register_strategy


@dataclass(frozen=True)
class NniSettings(Options):
    nni_strategy: str = option(
        "nni.nas.strategy:RegularizedEvolution", "class of the strategy, which is made with its defaults and the seed",
        metavar="MODULE:CLASS",
    )  # fmt: skip


@register_strategy
class NniStrategy(MultiTrialStrategy):
    """A subclass of ``nni.nas.strategy.base.Strategy`` with the space's decisions as its model space and trials as
    its engine.

    It is asked for one model after the other, and told accuracies in the order of the candidates. A model above the
    budget is led into it, and the sample it has then is the strategy's, too; one whose architecture is known ends as
    failed. Earlier runs are not told to it, but what they trained is not trained again. Its own chance must be
    decided by its seed, for a resume runs it again from the results.

    Examples:
        >>> from search_space import Problem
        >>> problem = Problem("darts-global", {"width": 4, "cells": 2}, image=(1, 8, 8), classes=10)
        >>> strategy = NniStrategy(problem, 0, NniSettings(nni_strategy="nni.nas.strategy:Random"))
        >>> strategy.propose(0, results=[]).space
        'darts-global'
    """

    name = "nni"
    summary = "runs a multi-trial strategy of NNI's own or a user's, each candidate trained as a trial"
    Settings = NniSettings
    settings: NniSettings

    def __init__(self, problem: Any, seed: int, settings: Any = None, **budget: Any) -> None:
        super().__init__(problem, seed, settings, **budget)
        self.space = get_space(problem.space)
        self.options = {d.label: d.options for d in self.space.decisions(problem)}
        self._given: Any = None
        self._told = 0
        self._models: dict[str, Any] = {}  # by the key of what is trained
        self._drawn: Any = None

    def take(self, given: Any) -> None:
        require_given("nni_strategy", self.settings.nni_strategy, given)
        self._given = given

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        genotype = super().propose(index, results)
        self._drawn.sample = self.space.choices(self.problem, genotype.architecture)
        self._models[genotype.key()], self._drawn = self._drawn, None
        return genotype

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        for result in results[self._told :]:
            model = self._models.pop(Genotype.from_json(result.genotype).key(), None)
            if model is not None:
                self._engine.tell(model, result.accuracy)
        self._told = max(self._told, len(results))
        if self._drawn is not None:  # it was known, or above the budget
            self._engine.tell(self._drawn, None)
        try:
            self._drawn = self._engine.ask()
        except SpaceExhausted as end:
            raise SpaceExhausted(f"no architecture of {self.problem.space} is left: {end}") from end
        return Genotype.of_choices(self.problem, self._drawn.sample)

    @cached_property
    def _engine(self) -> Any:
        from strategies.nni_side.engine import AskedEngine, SampledSpace

        asked = self.settings.nni_strategy
        strategy = copied(self._given) or made("nni_strategy", asked, self.seed, one_shot=False)
        engine = AskedEngine(strategy, SampledSpace(self.options))
        weakref.finalize(self, engine.close)
        return engine
