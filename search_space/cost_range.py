"""Which is the smallest network of a problem, and which the largest, by their MACs."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pde_ops.cost import Cost
from records.errors import UserError
from search_space.genotype import Genotype
from search_space.problem import Problem
from search_space.space import Decision, get_space

_ENUMERATED = 500  # architectures at most that are all looked at
_STARTS = 50  # draws for one whose network the image is large enough for

Choices = dict[str, Any]


@dataclass(frozen=True)
class CostRange:
    """The costs of the networks with the fewest and the most MACs. ``exact``: every architecture was looked at. Else
    they are where no change of one decision gives fewer, or more: bounds that a search can pass, though seldom does.

    Examples:
        >>> small = {"width": [4, 8], "cells": 2, "primitives": ["skip_connect", "global_5"]}
        >>> found = cost_range(Problem("darts-global", small, image=(1, 8, 8), classes=10))
        >>> found.smallest.macs < found.largest.macs, found.exact
        (True, False)
    """

    smallest: Cost
    largest: Cost
    exact: bool


def cost_range(problem: Problem) -> CostRange:
    """The range of a problem, by the space's own cost code; nothing is built or run.

    Raises ``UserError`` for settings that cannot be, and where no network fits the image.
    """
    decisions = get_space(problem.space).decisions(problem)
    if math.prod(len(decision.options) for decision in decisions) <= _ENUMERATED:
        costs = [cost for choices in _all(decisions) if (cost := _cost(problem, choices)) is not None]
        if costs:
            return CostRange(min(costs, key=_macs), max(costs, key=_macs), exact=True)
    start = _start(problem, decisions)
    smallest = _descend(problem, decisions, start, _macs)
    largest = _descend(problem, decisions, start, lambda cost: -cost.macs)
    return CostRange(smallest, largest, exact=False)


def _macs(cost: Cost) -> int:
    return cost.macs


def _all(decisions: list[Decision]) -> Iterator[Choices]:
    labels = [decision.label for decision in decisions]
    for options in itertools.product(*(decision.options for decision in decisions)):
        yield dict(zip(labels, options, strict=True))


def _cost(problem: Problem, choices: Choices) -> Cost | None:
    """What the network of ``choices`` costs; None where there is none, the image being too small say."""
    try:
        return Genotype.of_choices(problem, choices).cost()
    except UserError:
        return None


def _start(problem: Problem, decisions: list[Decision]) -> Choices:
    """Choices that have a network. Raises the last draw's ``UserError`` where none is found."""
    rng = random.Random(f"{problem.space} range")
    for attempt in range(_STARTS):
        choices = {decision.label: rng.choice(decision.options) for decision in decisions}
        try:
            Genotype.of_choices(problem, choices).cost()
        except UserError:
            if attempt + 1 == _STARTS:
                raise
        else:
            return choices
    raise AssertionError("there is a first draw")


def _descend(
    problem: Problem, decisions: list[Decision], start: Choices, score: Callable[[Cost], int]
) -> Cost:
    """Changes one decision after the other to the option of the lowest score, until a round changes none."""
    space = get_space(problem.space)
    best, cost = start, _cost(problem, start)
    assert cost is not None  # `_start` saw to that
    while True:
        before = score(cost)
        for decision in decisions:
            architecture = space.assemble(problem, best)
            if decision.label in space.idle(problem, architecture):
                continue
            for option in decision.options:
                other = best | {decision.label: option}
                known = cost if option == best[decision.label] else _cost(problem, other)
                if known is not None and score(known) < score(cost):
                    best, cost = other, known
        if score(cost) == before:
            return cost
