"""The Pareto front: candidates that no other one beats in accuracy without more multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from records.measurement import Measurement


def macs(measurement: Measurement) -> float:
    return measurement.macs


def front(
    measurements: Iterable[Measurement], cost: Callable[[Measurement], float] = macs
) -> list[Measurement]:
    """The non-dominated candidates, by rising ``cost`` (MACs), then index; O(n log n).

    One dominates another that has no higher accuracy and no lower cost, and differs in one of the two.
    So of candidates equal in both, all are on the front or none. Those that failed are left out.
    """
    ok = [m for m in measurements if m.status == "ok" and m.accuracy is not None]
    costs = np.fromiter(map(cost, ok), float, len(ok))
    accuracies = np.fromiter((m.accuracy for m in ok), float, len(ok))
    order = np.lexsort((np.array([m.index for m in ok], int), -accuracies, costs))
    highest = np.maximum.accumulate(accuracies[order])
    found: list[Measurement] = []
    best: tuple[float, float] | None = None  # cost and accuracy of the last one that entered
    for place in order[accuracies[order] == highest].tolist():
        spent, accuracy = float(costs[place]), float(accuracies[place])
        if best is None or accuracy > best[1] or (spent, accuracy) == best:
            found.append(ok[place])
            best = spent, accuracy
    return found
