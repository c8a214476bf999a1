"""What a strategy is: a class in one file, with its own settings, registered by name."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from records.checks import shown
from records.errors import UserError
from records.measurement import Measurement
from records.options import Options
from search_space import Genotype, mutate
from search_space.problem import Problem
from strategies.budget import Budget
from strategies.extras import Extra

if TYPE_CHECKING:
    from strategies.supernet.keeper import EpochKeeper
    from strategies.supernet.settings import SupernetSettings
    from strategies.workplace import Workplace

_TRIES = 1000  # draws for one candidate before a known architecture is proposed again
_TRIES_OVER_BUDGET = 20  # of them, each led towards the budget, before it counts as unreachable
_IDLE_MUTATIONS = 200


class SpaceExhausted(UserError):
    """There is no architecture left to propose; the message says so on one line."""


@dataclass(frozen=True)
class Stage:
    """How far a candidate is trained, where its strategy decides that: until ``epochs`` (counted from its beginning,
    at the learning rates of a whole training), on ``share`` of the training images, in (0, 1]. ``continues`` is the
    index of the candidate from whose checkpoint it goes on; None: it begins. ``whole``: then it is as one that was
    trained in one go, as far as the share was 1 throughout."""

    epochs: int
    share: float
    continues: int | None
    whole: bool


class Strategy(ABC):
    """How a space is explored.

    ``name`` is what `--strategy` takes, ``summary`` a phrase for `--help`. ``Settings`` is a frozen record of
    `records.options.option` fields: they become options of the command line and fields of the portal's form. Two
    strategies may have a setting of one name if it means the same and is declared alike. ``extra`` is the optional part
    of the installation that it needs.

    Examples:
        >>> from strategies.registry import get_strategy
        >>> strategy = get_strategy("evolution")
        >>> strategy.one_shot, strategy.Settings().population
        (False, 8)
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    one_shot: ClassVar[bool]
    Settings: ClassVar[type[Options]] = Options
    trains_here: ClassVar[bool] = False  # a supernet, in the launcher's process
    extra: ClassVar[Extra | None] = None

    @classmethod
    def missing(cls) -> list[str]:
        """The modules of ``extra`` that are not installed."""
        return [] if cls.extra is None else cls.extra.missing()

    @classmethod
    def require_extra(cls) -> None:
        """Raises `UserError`, which says how to install it, where something of ``extra`` is missing."""
        if cls.extra is not None:
            cls.extra.require(f"strategy {cls.name}")


class MultiTrialStrategy(Strategy):
    """Proposes architectures of ``problem`` with at most ``max_macs`` MACs and ``max_params`` parameters, each of
    which is trained as a trial, and no two of which are the same.

    It is a pure function of its seed, the index of the candidate and the results it is shown. With M trials at once
    the search shows candidate i the results of candidates 0 to i - M, in the order of their indices, however long
    each took: so the same seed proposes the same, on any machine and after any crash. Subclasses define `draw`.

    A search ends where a thousand draws give no architecture that is not known. ``stages``: whether it trains
    candidates in stages (`stage`). ``epochs`` are those of a whole training.

    Examples:
        >>> from strategies.registry import get_strategy
        >>> problem = Problem("darts-global", {"width": 4, "cells": 2}, image=(1, 8, 8), classes=10)
        >>> strategy = get_strategy("random")(problem, seed=0, max_macs=200_000)
        >>> strategy.propose(0, results=[]).cost().macs <= 200_000
        True
    """

    one_shot = False
    stages: ClassVar[bool] = False

    def __init__(
        self,
        problem: Problem,
        seed: int,
        settings: Any = None,
        *,
        max_macs: int | None = None,
        max_params: int | None = None,
        epochs: int = 1,
    ) -> None:
        self.require_extra()
        self.problem, self.seed, self.budget = problem, seed, Budget(max_macs, max_params)
        self.settings = self.Settings() if settings is None else settings
        self.epochs = epochs
        self.proposed: set[str] = set()
        self.earlier: list[Measurement] = []

    def stage(self, index: int) -> Stage | None:
        """How far the candidate of that index, which was proposed, is trained; None: wholly, in one go."""
        return None

    def take(self, given: Any) -> None:
        """A strategy of NNI's that the user gives as an object, or None. Raises `UserError` where it has no use for
        one, or lacks it."""
        if given is not None:
            raise UserError(f"strategy {self.name} takes no strategy of NNI's; accepted: strategy nni")

    def start_from(self, earlier: Sequence[Measurement]) -> None:
        """What an earlier search of the problem measured comes before all results, and is not proposed again."""
        self.earlier = list(earlier)
        self.proposed |= {Genotype.from_json(result.genotype).key() for result in earlier}

    @classmethod
    def measures_latency(cls, settings: Any) -> bool:
        """Whether with these settings of its own it asks for the latency of each candidate."""
        return False

    def check_kept(self, folder: Path) -> None:
        """Raises `UserError` where what `prepare` kept in the run's folder cannot be read back; changes nothing."""

    def prepare(self, workplace: Workplace) -> None:
        """Does what comes before the first candidate, or reads back what was done; called once, also by a search that
        is gone on with. What it comes to depends on the seed and the settings alone."""

    def example(self) -> Genotype:
        """An architecture within the budget, without `prepare`; this object has then begun to propose. Raises
        `UserError` as `propose` does."""
        return self.propose(0, [])

    @abstractmethod
    def draw(self, rng: random.Random, results: Sequence[Measurement]) -> Genotype:
        """One architecture, within the budget or not, known or not. ``results`` are those of earlier candidates, in
        the order of their indices; failed ones have no accuracy. ``rng`` is the only source of chance.

        Raises `SpaceExhausted` where there is none left."""

    def propose(self, index: int, results: Sequence[Measurement]) -> Genotype:
        """The candidate of that index, given the results of earlier ones in order.

        Raises `UserError` if no architecture within the budget was found, naming the smallest that was, and
        `SpaceExhausted` if none is left.
        """
        results = [*self.earlier, *results]
        rng = random.Random(f"{self.seed} {index}")
        nearest: Genotype | None = None
        within = False  # the budget, what was drawn is
        for attempt in range(_TRIES):
            drawn = self.draw(rng, results)
            if not isinstance(drawn, Genotype):
                raise UserError(f"strategy {self.name}: draw gave {shown(drawn)}; accepted: a Genotype")
            genotype = self.towards_budget(drawn, rng)
            if nearest is None or self._excess(genotype) < self._excess(nearest):
                nearest = genotype
            if self._excess(genotype) > 1:
                if attempt >= _TRIES_OVER_BUDGET and not within:
                    break
            elif genotype.key() not in self.proposed:
                self.proposed.add(genotype.key())
                return genotype
            else:
                within = True
        if not within:
            assert nearest is not None
            raise self.budget.error(self.problem.space, nearest.cost())
        raise SpaceExhausted(
            f"no architecture of {self.problem.space} is left: {_TRIES:,} draws gave none that was not trained"
        )

    def towards_budget(self, genotype: Genotype, rng: random.Random) -> Genotype:
        """Mutates while that lowers what is above the budget, until it is met or nothing has helped for a while."""
        excess, idle = self._excess(genotype), 0
        while excess > 1 and idle < _IDLE_MUTATIONS:
            other = mutate(genotype, rng)
            less = self._excess(other)
            genotype, excess, idle = (other, less, 0) if less < excess else (genotype, excess, idle + 1)
        return genotype

    def _excess(self, genotype: Genotype) -> float:
        return 0.0 if self.budget.unlimited else self.budget.excess(genotype.cost())


class OneShotStrategy(Strategy):
    """Trains one supernet, derives architectures from it, and has these trained afresh.

    Subclasses define how the supernet is trained, and by which of NNI's one-shot strategies.

    Examples:
        >>> from strategies.registry import get_strategy
        >>> darts = get_strategy("darts")
        >>> darts.supernet(darts.Settings(supernet_epochs=5), batch_size=None, seed=0, device="cpu").epochs
        5
    """

    one_shot = True
    trains_here = True

    @classmethod
    @abstractmethod
    def supernet(cls, settings: Any, *, batch_size: int | None, seed: int, device: str) -> SupernetSettings:
        """How the supernet is trained; ``settings`` are the strategy's own, ``batch_size`` None leaves it to them."""

    @classmethod
    def take(cls, settings: Any, given: Any) -> None:
        """A strategy of NNI's that the user gives as an object, or None; ``settings`` are the strategy's own. Raises
        `UserError` where it has no use for one, or lacks it."""
        if given is not None:
            raise UserError(
                f"strategy {cls.name} takes no strategy of NNI's; accepted: strategy nni-one-shot"
            )

    @classmethod
    def keeper(cls) -> type[EpochKeeper]:
        """What sees to the supernet's epochs."""
        from strategies.supernet.keeper import EpochKeeper

        return EpochKeeper

    @classmethod
    @abstractmethod
    def nni_strategy(cls, settings: SupernetSettings, **common: Any) -> Any:
        """NNI's strategy that trains it; ``common`` is what every one here takes: ``table`` (costs of the cells),
        ``ranks`` and ``shares`` (of each batch, where several processes train it)."""
