"""Random search: the baseline that every other strategy is held against."""

from __future__ import annotations

import random
from collections.abc import Sequence

from records.measurement import Measurement
from search_space import Genotype
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy
from strategies.registry import register_strategy


@register_strategy
class RandomSearch(MultiTrialStrategy):
    """Uniform over the space's decisions.

    Examples:
        >>> from search_space import Problem
        >>> problem = Problem("darts-global", {"width": 4, "cells": 2}, image=(1, 8, 8), classes=10)
        >>> first, again = RandomSearch(problem, seed=0), RandomSearch(problem, seed=0)
        >>> first.propose(0, []) == again.propose(0, [])
        True
    """

    name = "random"
    summary = "draws candidates uniformly, each trained as a trial"

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        return random_genotype(self.problem, rng.randrange(2**31))
