"""Asynchronous successive halving (Li et al., MLSys 2020) by several objectives (Schmucker et al., 2021)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy, Stage
from strategies.objectives import objectives_option, require_several, survivors, usable
from strategies.registry import register_strategy


@dataclass(frozen=True)
class AshaSettings(Options):
    objectives: str = objectives_option()
    min_epochs: int = option(
        1, "training of a candidate in the lowest rung", unit="epochs", metavar="E", least=1
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
        require_several(self.objectives)


@register_strategy
class Asha(MultiTrialStrategy):
    """Many architectures are trained for few epochs, and the best of them go on from their checkpoints.

    Rung k trains until epoch ``min_epochs`` times ``eta`` to the power k; the top rung is a whole training. Of a
    rung's n results n // ``eta`` are promoted, each when it is among the best n // ``eta`` by non-dominated rank and
    crowding within the rung, from the highest rung down. Where none is to be promoted, a random architecture begins. Each stage is a
    candidate with an index of its own. Those of lower rungs have the status "partial".

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
    repeats = False
    stages = True

    def __init__(self, problem: Any, seed: int, settings: Any = None, **more: Any) -> None:
        super().__init__(problem, seed, settings, **more)
        self.rungs = _rungs(self.settings, self.epochs)
        self._rung: dict[int, int] = {}  # of each candidate
        self._from: dict[int, int] = {}  # which candidate it goes on with
        self.names = require_several(self.settings.objectives)

    @classmethod
    def measures_latency(cls, settings: AshaSettings) -> bool:
        return "latency" in require_several(settings.objectives)

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        return random_genotype(self.problem, rng.randrange(2**31))

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        promoted = self._promoted(results)
        if promoted is None:
            genotype = super().propose(index, results)
            self._rung[index] = 0
            return genotype
        self._rung[index], self._from[index] = self._rung[promoted.index] + 1, promoted.index
        return Genotype.from_json(promoted.genotype)

    def stage(self, index: int) -> Stage:
        rung = self._rung[index]
        epochs, share = self.rungs[rung]
        return Stage(epochs, share, self._from.get(index), whole=rung == len(self.rungs) - 1)

    def _promoted(self, results: Sequence[Measurement]) -> Measurement | None:
        """The result whose candidate goes on."""
        gone_on = set(self._from.values())
        for rung in reversed(range(len(self.rungs) - 1)):
            inside = [m for m in results if self._rung.get(m.index) == rung and usable(m, self.names)]
            count = len(inside) // self.settings.eta
            if count <= sum(self._rung[index] == rung for index in gone_on):
                continue
            for result in survivors(inside, count, self.names):
                if result.index not in gone_on:
                    return result
        return None


def _rungs(settings: AshaSettings, whole: int) -> list[tuple[int, float]]:
    """The last epoch and the share of the training images of each rung, the lowest first."""
    found: list[tuple[int, float]] = []
    epochs, share = settings.min_epochs, settings.min_share
    while epochs < whole:
        found.append((epochs, min(1.0, share)))
        epochs, share = epochs * settings.eta, share * settings.eta
    return [*found, (whole, 1.0)]
