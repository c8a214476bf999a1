"""The Pareto front: candidates that no other one beats in accuracy without more multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
    ok = [(m, cost(m), m.accuracy) for m in measurements if m.status == "ok" and m.accuracy is not None]
    ok.sort(key=lambda each: (each[1], -each[2], each[0].index))
    found: list[Measurement] = []
    best: tuple[float, float] | None = None  # cost and accuracy of the last one that entered
    for measurement, spent, accuracy in ok:
        if best is None or accuracy > best[1] or (spent, accuracy) == best:
            found.append(measurement)
            best = spent, accuracy
    return found
