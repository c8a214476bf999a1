"""Grid search: every architecture of the space, one after the other."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype, get_space
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.permutation import Permutation
from strategies.registry import register_strategy

ORDERS = ("shuffled", "plain")
_LOOK = 1000  # places above the budget, before it is asked whether anything is within
_MOST = 200_000  # places looked at for one candidate


@dataclass(frozen=True)
class GridSettings(Options):
    order: str = option(
        "shuffled",
        "of the combinations; plain: as the space lists its options, the last decision changing fastest",
        choices=lambda: ORDERS,
    )


@register_strategy
class Grid(MultiTrialStrategy):
    """Every combination of the space's options once, in an order that the seed shuffles over the whole space.

    NNI's GridSearch shuffles a hundred combinations at a time, which in a large space differ in the last decisions
    alone; ``plain`` is its order without shuffling. Combinations that are one architecture are tried once, those
    above the budget are passed over.

    Examples:
        >>> from search_space import Problem
        >>> problem = Problem("mnist-global", {}, image=(1, 28, 28), classes=10)
        >>> grid = Grid(problem, seed=0)
        >>> len({grid.propose(index, []).key() for index in range(grid.size)}) == grid.size
        True
    """

    name = "grid"
    summary = "tries every architecture once, each trained as a trial"
    Settings = GridSettings
    settings: GridSettings

    def __init__(self, problem: Any, seed: int, settings: Any = None, **budget: Any) -> None:
        super().__init__(problem, seed, settings, **budget)
        self.decisions = get_space(problem.space).decisions(problem)
        self.size = math.prod(len(decision.options) for decision in self.decisions)
        self.place = 0
        shuffled = self.settings.order == "shuffled"
        self._order: Sequence[int] | Permutation = (
            Permutation(self.size, seed) if shuffled else range(self.size)
        )
        self._unreachable = False

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        for looked in range(_MOST):
            if self._unreachable or (looked == _LOOK and not self._reachable(rng)):
                self._unreachable = True
                return self._led(rng)
            if self.place >= self.size:
                raise SpaceExhausted(
                    f"no architecture of {self.problem.space} is left: all {self.size:,} combinations were tried"
                )
            genotype = self.at(self._order[self.place])
            self.place += 1
            if self.budget.allows(genotype.cost()) and genotype.key() not in self.proposed:
                return genotype
        within = "" if self.budget.unlimited else " within the budget"
        plain = (
            ""
            if self.settings.order == "shuffled"
            else "; --order shuffled does not try the like of each other in a row"
        )
        raise SpaceExhausted(
            f"no new architecture of {self.problem.space}{within} is among the next {_MOST:,} combinations of "
            f"{self.size:,}{plain}"
        )

    def at(self, number: int) -> Genotype:
        """The combination of that number in the plain order."""
        choices = {}
        for decision in reversed(self.decisions):
            number, option = divmod(number, len(decision.options))
            choices[decision.label] = decision.options[option]
        return Genotype.of_choices(self.problem, choices)

    def _reachable(self, rng: random.Random) -> bool:
        return any(self.budget.allows(self._led(rng).cost()) for _ in range(3))

    def _led(self, rng: random.Random) -> Genotype:
        """An architecture led towards the budget: where that does not reach it, it says how small there are."""
        return self.towards_budget(random_genotype(self.problem, rng.randrange(2**31)), rng)
