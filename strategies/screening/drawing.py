"""Random architectures in bins of MACs."""

from __future__ import annotations

import bisect
import random
from collections.abc import Sequence

from search_space import Genotype
from search_space.sampling import random_genotype
from strategies.contract import MultiTrialStrategy

_PILOT = 100  # draws that tell the range of MACs
_FIRST = 5  # of them tell whether the budget can be met
_DRAWS = 50  # for each architecture that is wanted, before a bin stays short of it
_TAIL = 20  # one draw in so many lies below the limits, and one above


def limits_of(macs: Sequence[int], bins: int) -> list[float]:
    """Where one bin ends and the next begins: ``bins`` of equal ratios between the 5th and the 95th percentile of
    ``macs``, of which the first and the last are open.

    Examples:
        >>> limits_of([100] * 10 + [800] * 10, bins=3)
        [200.0, 400.0]
    """
    ordered = sorted(macs)
    tail = len(ordered) // _TAIL
    low, high = ordered[tail], ordered[-1 - tail]
    return [round(low * (high / low) ** (place / bins), 6) for place in range(1, bins)]


def bin_of(macs: int, limits: Sequence[float]) -> int:
    """The number of the bin, from 0."""
    return bisect.bisect_right(limits, macs)


def draw(
    strategy: MultiTrialStrategy, count: int, bins: int
) -> tuple[list[tuple[int, Genotype]], list[float]]:
    """Up to ``count`` random architectures of the strategy's problem in each of ``bins``, with their bin, within its
    budget, none that it knows, none twice; and the limits. The same for the same seed."""
    rng = random.Random(f"{strategy.seed} screen")

    def drawn() -> Genotype:
        return strategy.towards_budget(random_genotype(strategy.problem, rng.randrange(2**31)), rng)

    pilot = [drawn() for _ in range(_FIRST)]
    if not any(strategy.budget.allows(genotype.cost()) for genotype in pilot):
        smallest = min((genotype.cost() for genotype in pilot), key=strategy.budget.excess)
        raise strategy.budget.error(strategy.problem.space, smallest)
    pilot += [drawn() for _ in range(_PILOT - _FIRST)]
    limits = limits_of([genotype.cost().macs for genotype in pilot], bins)
    found: list[tuple[int, Genotype]] = []
    filled, known = [0] * bins, set(strategy.proposed)
    for attempt in range(_DRAWS * count * bins):
        genotype = pilot[attempt] if attempt < len(pilot) else drawn()
        place = bin_of(genotype.cost().macs, limits)
        wanted = filled[place] < count and strategy.budget.allows(genotype.cost())
        if wanted and genotype.key() not in known:
            known.add(genotype.key())
            filled[place] += 1
            found.append((place, genotype))
        if min(filled) == count:
            break
    return found, limits
