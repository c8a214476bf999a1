"""NSGA-II (Deb et al., IEEE Transactions on Evolutionary Computation 6, 2002): evolution of a whole front."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype, crossover, mutate
from search_space.sampling import random_genotype, spread_genotypes
from strategies.contract import MultiTrialStrategy
from strategies.objectives import Ranked, objectives_option, ranked, require_several, survivors, usable
from strategies.registry import register_strategy

_CHILDREN = 100  # for one candidate, before random architectures are drawn instead


@dataclass(frozen=True)
class Nsga2Settings(Options):
    objectives: str = objectives_option()
    population: int = option(8, "living candidates", unit="candidates", metavar="N", least=2, most=1000)
    crossover: float = option(
        0.9, "share of children that have two parents; the others have one", metavar="P", least=0.0, most=1.0
    )
    whole: float = option(
        0.5,
        "share of those that inherit each cell or stage whole, not decision by decision",
        metavar="P",
        least=0.0,
        most=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_several(self.objectives)


@register_strategy
class Nsga2(MultiTrialStrategy):
    """The best of parents and children by non-dominated rank, then by crowding, are the next parents.

    The first ``population`` candidates are of four times as many random ones those that are evenly spread in the order
    of their MACs, the smallest and the largest first: so few purely random ones often miss an end of the front. Each
    further ``population`` results are a generation: of them and the parents before, ``population`` survive. A parent is
    the better of two that are drawn. Each child is mutated in one decision. Candidates that have no value for one of the
    objectives, failed ones say, never become parents.

    Examples:
        >>> from search_space import Problem
        >>> problem = Problem("darts-global", {"width": 4, "cells": 2}, image=(1, 8, 8), classes=10)
        >>> strategy = Nsga2(problem, seed=0, settings=Nsga2Settings(objectives="accuracy,params", population=4))
        >>> strategy.propose(0, results=[]).space
        'darts-global'
    """

    name = "nsga2"
    summary = "evolves a front of candidates by several objectives, each trained as a trial"
    Settings = Nsga2Settings
    settings: Nsga2Settings
    bands = math.inf  # ratio of costs beyond which whoever judges cannot tell networks apart, see `ranked`

    def __init__(self, problem: Any, seed: int, settings: Any = None, **budget: Any) -> None:
        super().__init__(problem, seed, settings, **budget)
        self.names = require_several(self.settings.objectives)
        self._genotypes: dict[int, tuple[Measurement, Genotype]] = {}  # of parents, which are read once
        self._index, self._draws = 0, 0  # of the candidate that is proposed
        self._replayed: list[Measurement] = []  # whole generations, and the parents after each of them
        self._parents: list[list[Ranked]] = [[]]

    @classmethod
    def measures_latency(cls, settings: Nsga2Settings) -> bool:
        return "latency" in require_several(settings.objectives)

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        self._index, self._draws = index, 0
        return super().propose(index, results)

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        parents = self.parents(results)
        self._draws += 1
        if not parents and self._draws == 1 and self._index < len(self._first):
            return self._first[self._index]
        if not parents or self._draws > _CHILDREN:
            return random_genotype(self.problem, rng.randrange(2**31))
        return self._child(parents, rng)

    @cached_property
    def _first(self) -> list[Genotype]:
        """The first candidates, in their order."""
        return spread_genotypes(self.problem, self.settings.population, random.Random(f"{self.seed} first"))

    def parents(self, results: Sequence[Measurement]) -> list[Ranked]:
        """Those that survive the generations that ``results`` are, each with its rank; none in the first one."""
        size = self.settings.population
        if list(results[: len(self._replayed)]) != self._replayed[: len(results)]:
            self._replayed, self._parents = [], [[]]
        for end in range(len(self._replayed) + size, len(results) + 1, size):
            before = [each.measurement for each in self._parents[-1]]
            born = [m for m in results[end - size : end] if usable(m, self.names)]
            best = survivors([*before, *born], size, self.names, bands=self.bands)
            self._parents.append(ranked(best, self.names, bands=self.bands))
            self._replayed += results[end - size : end]
        return self._parents[len(results) // size]

    def _child(self, parents: list[Ranked], rng: random.Random) -> Genotype:
        child = self._parent(parents, rng)
        if rng.random() < self.settings.crossover:
            child = crossover(child, self._parent(parents, rng), rng, whole=self.settings.whole)
        return mutate(child, rng)

    def _parent(self, parents: list[Ranked], rng: random.Random) -> Genotype:
        drawn = [rng.choice(parents) for _ in range(2)]
        best = min(drawn, key=lambda each: each.order).measurement
        known = self._genotypes.get(id(best))
        if known is None or known[0] is not best:
            known = self._genotypes[id(best)] = (best, Genotype.from_json(best.genotype))
        return known[1]
