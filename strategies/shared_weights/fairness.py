"""Which networks a supernet trains: every option of every decision equally often.

Source: Chu, Zhang and Xu, "FairNAS: Rethinking Evaluation Fairness of Weight Sharing Neural Architecture Search",
ICCV 2021 (strict fairness).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from search_space import Genotype, get_space
from search_space.problem import Problem
from search_space.space import Decision
from strategies.budget import UNLIMITED, Budget

_REDRAWS = 50


def fair_networks(problem: Problem, seed: str, budget: Budget = UNLIMITED) -> Iterator[Genotype]:
    """Networks without end, in rounds: a round has as many as the decision with most options has options, and in it
    each decision takes each of its options once, or equally often but for one.

    Where a network is above ``budget``, the decisions that set its size are drawn again, up to fifty times; the
    operations stay. Where that does not help, all decisions are drawn again, as often.
    """
    rng = random.Random(seed)
    space = get_space(problem.space)
    decisions = space.decisions(problem)
    length = max(len(decision.options) for decision in decisions)
    sizes = [d for d in decisions if d.label.rpartition("/")[2] in space.sizes]
    while True:
        columns = {decision.label: _dealt(decision, length, rng) for decision in decisions}
        for place in range(length):
            choices = {label: column[place] for label, column in columns.items()}
            yield _within(problem, choices, (sizes, decisions), budget, rng)


def _dealt(decision: Decision, length: int, rng: random.Random) -> list[Any]:
    """``length`` of the options, shuffled, each as often as any other but for one."""
    dealt: list[Any] = []
    while len(dealt) < length:
        dealt += rng.sample(decision.options, len(decision.options))
    dealt = dealt[:length]
    rng.shuffle(dealt)
    return dealt


def _within(
    problem: Problem,
    choices: dict[str, Any],
    again: Sequence[list[Decision]],
    budget: Budget,
    rng: random.Random,
) -> Genotype:
    """``again``: what is drawn again, one after the other. Where nothing is within, the network that is least above."""
    best = Genotype.of_choices(problem, choices)
    excess = budget.excess(best.cost())
    for decisions in again:
        for _ in range(_REDRAWS):
            if excess <= 1:
                return best
            drawn = {decision.label: rng.choice(decision.options) for decision in decisions}
            other = Genotype.of_choices(problem, choices | drawn)
            if budget.excess(other.cost()) < excess:
                best, excess = other, budget.excess(other.cost())
    return best
