"""Regularized evolution (Real et al., AAAI 2019)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype, mutate
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy
from strategies.registry import register_strategy


@dataclass(frozen=True)
class EvolutionSettings(Options):
    population: int = option(8, "living candidates", unit="candidates", least=2, most=1000)
    tournament: int = option(
        3,
        "living candidates drawn, of which the best becomes a parent",
        unit="candidates",
        least=1,
    )
    mac_penalty: float = option(
        0.0,
        "accuracy taken off for MACs when candidates are compared: this much at the mean MACs of the first ones, half "
        "as much at half of them (0.05: half the MACs may cost 2.5 points)",
        least=0.0,
    )


@register_strategy
class Evolution(MultiTrialStrategy):
    """The best of a few drawn from the last ``population`` candidates is mutated; the oldest die whatever they are
    worth.

    Fitness is accuracy less ``mac_penalty`` times MACs over the mean MACs of the first ``population`` candidates;
    failed ones are never parents.

    Examples:
        >>> from search_space import Problem
        >>> problem = Problem("darts-global", {"width": 4, "cells": 2}, image=(1, 8, 8), classes=10)
        >>> strategy = Evolution(problem, seed=0, settings=EvolutionSettings(population=4, tournament=2))
        >>> strategy.propose(0, results=[]).space
        'darts-global'
    """

    name = "evolution"
    summary = "mutates the best of its latest candidates, each trained as a trial"
    Settings = EvolutionSettings
    settings: EvolutionSettings

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        population = self.settings.population
        ranked = [result for result in results if result.accuracy is not None]
        if len(results) < population or not ranked:
            return random_genotype(self.problem, rng.randrange(2**31))
        first = ranked[:population]
        reference = sum(result.macs for result in first) / len(first)

        def fitness(result: Measurement) -> float:
            assert result.accuracy is not None
            return result.accuracy - self.settings.mac_penalty * result.macs / reference

        alive = ranked[-population:]
        drawn = rng.sample(alive, min(self.settings.tournament, len(alive)))
        return mutate(Genotype.from_json(max(drawn, key=fitness).genotype), rng)
