"""Any multi-trial strategy of NNI's, built in or a user's own, over the spaces of this project."""

from __future__ import annotations

import copy
import inspect
import random
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from records.checks import shown
from records.errors import UserError
from records.measurement import Measurement
from records.options import Options, option
from search_space import Genotype, get_space
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.nni_side.quiet_import import quiet_import
from strategies.registry import register_strategy

_GIVEN = "given "  # as an object, in Python; its class follows
_SUPERNETS = "nni.nas.oneshot.pytorch.strategy"  # NNI's module of its one-shot strategies
# Theirs by class, and ours that is the same on the cells of this project.
_OURS = {
    "DARTS": "darts", "GumbelDARTS": "gumbel-darts", "Proxyless": "proxyless", "ENAS": "enas",
    "RandomOneShot": "random-one-shot",
}  # fmt: skip


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

    @classmethod
    def settings_of(cls, given: Any) -> dict[str, Any]:
        """The settings of a search by a strategy that is given as an object. Raises `UserError` for anything else, and
        for one that trains a supernet."""
        base = quiet_import("nni.nas.strategy.base").Strategy
        if not isinstance(given, base):
            raise UserError(
                f"strategy is of type {type(given).__name__}; accepted: a nni.nas.strategy.base.Strategy"
            )
        chain = quiet_import("nni.nas.strategy.middleware").Chain
        _require_multi_trial("strategy", type(given[0] if isinstance(given, chain) else given))
        return {"strategy": cls.name, "nni_strategy": f"{_GIVEN}{_named(type(given))}"}

    def take(self, given: Any) -> None:
        asked = self.settings.nni_strategy
        if given is None and asked.startswith(_GIVEN):
            raise UserError(
                f"nni_strategy is {shown(asked)}, an object; accepted from Python alone: pde_nas.resume(RUN, "
                "strategy=...)"
            )
        if given is not None and asked != f"{_GIVEN}{_named(type(given))}":
            raise UserError(f"strategy is a {_named(type(given))}; accepted: as in the run, {asked}")
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

        engine = AskedEngine(_copied(self._given) or self._made(), SampledSpace(self.options))
        weakref.finalize(self, engine.close)
        return engine

    def _made(self) -> Any:
        """The strategy that is named, with the seed where it takes one. Raises `UserError`."""
        module, _, name = self.settings.nni_strategy.partition(":")
        base = quiet_import("nni.nas.strategy.base").Strategy
        try:
            kind = getattr(quiet_import(module), name)
            if not issubclass(kind, base):
                raise TypeError("it is no nni.nas.strategy.base.Strategy")
            _require_multi_trial("nni_strategy", kind)
            seeded = {"seed": self.seed} if "seed" in inspect.signature(kind).parameters else {}
            return kind(**seeded)
        except UserError:
            raise
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise UserError(
                f"nni_strategy is {shown(self.settings.nni_strategy)}: {error}; accepted: MODULE:CLASS of a strategy "
                "of NNI's that can be made without arguments"
            ) from error


def _require_multi_trial(name: str, kind: type) -> None:
    """Raises `UserError`, which names our strategy of that kind, for one that trains a supernet in place of trials."""
    theirs = [base.__name__ for base in kind.__mro__ if base.__module__ == _SUPERNETS]
    if theirs:
        ours = next((_OURS[base] for base in theirs if base in _OURS), None)
        instead = f"{ours} (--strategy {ours})" if ours else f"one of {', '.join(_OURS.values())}"
        raise UserError(
            f"{name} is {_named(kind)}, one-shot; accepted here: a multi-trial one, whose candidates are trials; in its "
            f"place name this project's own strategy, {instead}"
        )


def _copied(given: Any) -> Any:
    """The user's object, which can run once, as it was given; where it holds a lock, as NNI's TPE does, itself."""
    try:
        return copy.deepcopy(given)
    except TypeError:
        return given


def _named(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"
