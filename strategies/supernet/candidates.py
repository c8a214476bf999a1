"""Which architectures a one-shot search trains from scratch at its end, so that it ends in a front."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from strategies.budget import UNLIMITED, Budget
from strategies.supernet.distribution import Architecture, CellDistribution, CostTable, uniform

_DRAWS = 2000  # at most, for what is still lacking


def propose(
    distribution: CellDistribution,
    derived: Sequence[Architecture],
    count: int,
    *,
    budget: Budget = UNLIMITED,
    seed: int = 0,
) -> list[Architecture]:
    """Up to ``count`` different architectures within ``budget``, the search's result first.

    That is the one derived at the end, where it is within the budget. Then come by turns one that was derived after an earlier epoch (latest
    first) and one from ``tradeoffs``: of these always the one whose MACs are farthest, as a ratio, from all
    that were taken. If these run out, random ones drawn from the distribution with ``seed`` follow.
    ``derived`` is what each epoch derived, in order.

    Raises ``UserError`` if the space has none within ``budget``, naming the smallest.
    """
    table = distribution.table
    check_budget(table, budget)
    chosen: list[Architecture] = []

    def within(architecture: Architecture) -> bool:
        return budget.allows(table.cost(architecture))

    earlier = [each for each in reversed(derived) if within(each)]
    spread = [each for each in tradeoffs(distribution) if within(each)]

    def take(architecture: Architecture) -> None:
        if architecture not in chosen and len(chosen) < count:
            chosen.append(architecture)
        for pool in (earlier, spread):
            while architecture in pool:
                pool.remove(architecture)

    take(derived[-1] if derived and within(derived[-1]) else distribution.derive_within(budget))
    while (earlier or spread) and len(chosen) < count:
        if earlier:
            take(earlier[0])
        if spread:
            taken = [math.log(max(1.0, table.macs(each))) for each in chosen]
            take(max(spread, key=lambda each: _gap(math.log(max(1.0, table.macs(each))), taken)))
    rng = random.Random(seed)
    for _ in range(_DRAWS):
        if len(chosen) >= count:
            break
        drawn = distribution.sample(rng)
        if within(drawn):
            take(drawn)
    return chosen


def tradeoffs(distribution: CellDistribution) -> list[Architecture]:
    """The different architectures that are the most probable for a price of MACs, from the cheapest network
    to the dearest: the upper hull of log-probability against MACs."""
    found: list[Architecture] = []
    for price in _prices(distribution):
        architecture = distribution.derive(price)
        if architecture not in found:
            found.append(architecture)
    return found


def check_budget(table: CostTable, budget: Budget) -> None:
    """Raises ``UserError`` if no network of the ``table`` that was tried is within ``budget``."""
    smallest = table.cost(uniform(table).derive_within(budget))
    if not budget.allows(smallest):
        raise budget.error("this supernet", smallest)


def _prices(distribution: CellDistribution) -> Iterator[float]:
    """From high to low, in nats a MAC: at the ends even the smallest difference in cost decides."""
    differences = [
        float(costs.max() - costs.min())
        for costs in distribution.table.nodes.values()
        if float(costs.max()) > float(costs.min())
    ]
    if differences:
        unit = 1 / max(differences)
        magnitudes = [unit * 2 ** (exponent / 4) for exponent in range(-48, 49)]
        yield from reversed(magnitudes)
        yield from (-magnitude for magnitude in magnitudes)


def _gap(value: float, taken: Sequence[float]) -> float:
    return min((abs(value - other) for other in taken), default=math.inf)
