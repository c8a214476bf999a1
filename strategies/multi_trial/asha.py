"""Asynchronous successive halving (Li et al., MLSys 2020) by several objectives (Schmucker et al., 2021), whose
candidates a model of the short trainings chooses."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype, crossover, mutate
from search_space.sampling import random_genotype, spread_genotypes
from strategies.contract import MultiTrialStrategy, SpaceExhausted, Stage
from strategies.forecast import LEAST, Forecast
from strategies.objectives import objectives_option, ranked, require_accuracy_or_several, usable
from strategies.registry import register_strategy

_POOL = 40  # architectures of which the most promising one begins
_PARENTS = 8  # the best so far, whose children are half of the pool
_BY_CHANCE = 0.1  # share of those that begin which the model does not choose


@dataclass(frozen=True)
class AshaSettings(Options):
    objectives: str = objectives_option()
    min_epochs: int = option(
        2, "training of a candidate in the lowest rung", unit="epochs", metavar="E", least=1
    )
    eta: int = option(
        3, "one of so many candidates of a rung goes on to the next, which is so many times as long", metavar="N",
        least=2,
    )  # fmt: skip
    min_share: float = option(
        1.0, "share of the training images in the lowest rung, in (0, 1]; it grows with the epochs", least=1e-6,
        most=1.0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        require_accuracy_or_several(self.objectives)


@register_strategy
class Asha(MultiTrialStrategy):
    """Many architectures are trained for few epochs, and the best of them go on from their checkpoints.

    Rung k trains until epoch ``min_epochs`` times ``eta`` to the power k; the top rung is a whole training. Of a
    rung's n results n // ``eta`` are promoted, from the highest rung down, each the best by non-dominated rank and
    crowding of those that were not. A rung is ranked by what its candidates are expected to reach at the end: a model
    of all rungs' results (`strategies.forecast`), and in part how far a candidate's own result lies from it. Where
    none is to be promoted, an architecture begins: of children of the best and of random ones that which ranks best,
    and one in ten at random. Before the model has enough results, those begin that are spread over the space's MACs,
    from its ends on. When no architecture is left to begin, the next best go on. Each stage is a candidate with an
    index of its own. Those of lower rungs have the status "partial". With accuracy as its only objective it seeks the
    most accurate architecture within the budget.

    Examples:
        >>> from search_space import Problem
        >>> problem = Problem("darts-global", {"width": 4, "cells": 2}, image=(1, 8, 8), classes=10)
        >>> asha = Asha(problem, seed=0, settings=AshaSettings(min_epochs=2, min_share=0.25), epochs=18)
        >>> asha.rungs
        [(2, 0.25), (6, 0.75), (18, 1.0)]
    """

    name = "asha"
    summary = "trains many candidates shortly and lets the best go on, each stage a trial"
    Settings = AshaSettings
    settings: AshaSettings
    stages = True

    def __init__(self, problem: Any, seed: int, settings: Any = None, **more: Any) -> None:
        super().__init__(problem, seed, settings, **more)
        self.rungs = _rungs(self.settings, self.epochs)
        self.names = require_accuracy_or_several(self.settings.objectives)
        self._rung: dict[int, int] = {}  # of each candidate
        self._from: dict[int, int] = {}  # which candidate it goes on with
        self._forecast = Forecast(self.names, self.epochs)
        self._drawn = self._used_up = False

    @classmethod
    def measures_latency(cls, settings: AshaSettings) -> bool:
        return "latency" in require_accuracy_or_several(settings.objectives)

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        self._forecast.learn([*(m for m in self.earlier if m.status == "ok"), *results])
        promoted, self._drawn = self._promoted(results), False
        if promoted is None and not self._used_up:
            try:
                genotype = super().propose(index, results)
                self._rung[index] = 0
                return genotype
            except SpaceExhausted:
                self._used_up = True
        promoted = promoted or self._promoted(results, every=True)
        if promoted is None:
            return super().propose(index, results)  # which says so
        self._rung[index], self._from[index] = self._rung[promoted.index] + 1, promoted.index
        return Genotype.from_json(promoted.genotype)

    def stage(self, index: int) -> Stage:
        rung = self._rung[index]
        epochs, share = self.rungs[rung]
        return Stage(epochs, share, self._from.get(index), whole=rung == len(self.rungs) - 1)

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        begun = sum(rung == 0 for rung in self._rung.values())
        if begun < LEAST and not (self._forecast.ready or self._drawn):
            self._drawn = True
            return self._first[begun]
        by_chance = rng.random() < _BY_CHANCE or self._drawn or not self._forecast.ready
        self._drawn = True  # where the choice is no new one, chance has the other tries
        if by_chance:
            return self._random(rng)
        best = self._forecast.best(_PARENTS)
        half = range(_POOL // 2)
        pool = [*(self._random(rng) for _ in half), *(self._child(best, rng) for _ in half)]
        new = {genotype.key(): genotype for genotype in pool if self._is_new(genotype)}
        return self._forecast.most_promising(list(new.values())) if new else self._random(rng)

    @cached_property
    def _first(self) -> list[Genotype]:
        """What begins before there is a forecast, in this order."""
        rng = random.Random(f"{self.seed} first")
        return spread_genotypes(self.problem, LEAST, rng, lambda drawn: self.towards_budget(drawn, rng))

    def _is_new(self, genotype: Genotype) -> bool:
        return genotype.key() not in self.proposed and self._excess(genotype) <= 1

    def _random(self, rng: random.Random) -> Genotype:
        return random_genotype(self.problem, rng.randrange(2**31))

    def _child(self, parents: list[Genotype], rng: random.Random) -> Genotype:
        child = crossover(rng.choice(parents), rng.choice(parents), rng)
        return mutate(child, rng)

    def _promoted(self, results: Sequence[Measurement], *, every: bool = False) -> Measurement | None:
        """The result whose candidate goes on; ``every``: though enough of its rung did."""
        gone_on = set(self._from.values())
        for rung in reversed(range(len(self.rungs) - 1)):
            inside = [m for m in results if self._rung.get(m.index) == rung and usable(m, self.names)]
            gone = sum(self._rung[index] == rung for index in gone_on)
            if every or gone < len(inside) // self.settings.eta:
                order = sorted(ranked(self._forecast.of(inside), self.names), key=lambda each: each.order)
                left = [each.measurement.index for each in order if each.measurement.index not in gone_on]
                if left:
                    return next(m for m in inside if m.index == left[0])
        return None


def _rungs(settings: AshaSettings, whole: int) -> list[tuple[int, float]]:
    """The last epoch and the share of the training images of each rung, the lowest first."""
    found: list[tuple[int, float]] = []
    epochs, share = settings.min_epochs, settings.min_share
    while epochs < whole:
        found.append((epochs, min(1.0, share)))
        epochs, share = epochs * settings.eta, share * settings.eta
    return [*found, (whole, 1.0)]
