"""Random search: the baseline that every other strategy is held against."""

from __future__ import annotations

import random
from collections.abc import Sequence

from records.measurement import Measurement
from search_space import Genotype
from strategies.contract import MultiTrialStrategy
from strategies.registry import register_strategy


@register_strategy
class RandomSearch(MultiTrialStrategy):
    """Uniform over the space's decisions."""

    name = "random"
    summary = "draws candidates uniformly, each trained as a trial"

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        return self.problem.sample(rng.randrange(2**31))
