"""Which architecture to try next: proposers, which know nothing of NNI.

A proposer is a pure function of its seed, the index of the candidate and the results it is shown. With M
trials at once the search shows candidate i the results of candidates 0 to i - M, in the order of their
indices, however long each took: so the same seed proposes the same, on any machine and after any crash.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from records.errors import UserError
from records.measurement import Measurement
from search_space import Genotype, mutate, sample

_TRIES = 1000  # draws for one candidate before a known architecture is proposed again
_TRIES_OVER_BUDGET = 20  # of them, each led towards the budget, before it counts as unreachable
_IDLE_MUTATIONS = 200


@dataclass(frozen=True)
class Subject:
    """What is searched: a space with its settings, for images of ``(channels, height, width)``."""

    space: str
    settings: dict[str, Any]
    image: tuple[int, int, int]
    classes: int

    def sample(self, seed: int) -> Genotype:
        return sample(self.space, seed, image=self.image, classes=self.classes, **self.settings)


class Proposer(ABC):
    """Proposes architectures of ``subject`` with at most ``max_macs`` MACs, each different where the space
    still has different ones."""

    def __init__(self, subject: Subject, seed: int, *, max_macs: int | None = None) -> None:
        self.subject, self.seed, self.max_macs = subject, seed, max_macs
        self.proposed: set[str] = set()

    @abstractmethod
    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        """One architecture, within the budget or not, known or not."""

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        """The candidate of that index, given the results of earlier ones in order.

        Raises `UserError` if no architecture within the budget was found, naming the smallest that was.
        """
        rng = random.Random(f"{self.seed} {index}")
        smallest: int | None = None
        repeated: Genotype | None = None
        for attempt in range(_TRIES):
            genotype, macs = self._towards_budget(self.draw(rng, results), rng)
            smallest = macs if smallest is None else min(smallest, macs)
            if self.max_macs is not None and macs > self.max_macs:
                if attempt >= _TRIES_OVER_BUDGET and repeated is None:
                    break
            elif genotype.key() not in self.proposed:
                self.proposed.add(genotype.key())
                return genotype
            else:
                repeated = genotype
        if repeated is not None:
            return repeated
        raise UserError(
            f"no architecture of {self.subject.space} with at most {self.max_macs:,} MACs was found; the "
            f"smallest has {smallest:,}: raise --max-macs, or lower --width, --cells or what --setting offers"
        )

    def _towards_budget(self, genotype: Genotype, rng: random.Random) -> tuple[Genotype, int]:
        """Mutates while that lowers the MACs, until the budget is met or nothing has helped for a while."""
        macs, idle = genotype.cost().macs, 0
        while self.max_macs is not None and macs > self.max_macs and idle < _IDLE_MUTATIONS:
            other = mutate(genotype, rng)
            cost = other.cost().macs
            genotype, macs, idle = (other, cost, 0) if cost < macs else (genotype, macs, idle + 1)
        return genotype, macs


class RandomSearch(Proposer):
    """Uniform over the space's decisions."""

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        return self.subject.sample(rng.randrange(2**31))


class Evolution(Proposer):
    """Regularized evolution (Real et al., AAAI 2019): the best of a few drawn from the last ``population``
    candidates is mutated; the oldest die whatever they are worth.

    Fitness is accuracy less ``mac_penalty`` times MACs over the mean MACs of the first ``population``
    candidates; failed ones are never parents.
    """

    def __init__(
        self,
        subject: Subject,
        seed: int,
        *,
        max_macs: int | None = None,
        population: int = 8,
        tournament: int = 3,
        mac_penalty: float = 0.0,
    ) -> None:
        super().__init__(subject, seed, max_macs=max_macs)
        self.population, self.tournament, self.mac_penalty = population, tournament, mac_penalty

    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        ranked = [result for result in results if result.accuracy is not None]
        if len(results) < self.population or not ranked:
            return self.subject.sample(rng.randrange(2**31))
        first = ranked[: self.population]
        reference = sum(result.macs for result in first) / len(first)

        def fitness(result: Measurement) -> float:
            assert result.accuracy is not None
            return result.accuracy - self.mac_penalty * result.macs / reference

        alive = ranked[-self.population :]
        drawn = rng.sample(alive, min(self.tournament, len(alive)))
        return mutate(Genotype.from_json(max(drawn, key=fitness).genotype), rng)
