"""The Pareto front: candidates that no other one beats in accuracy without more multiply-accumulates."""

from __future__ import annotations

from collections.abc import Iterable

from records.measurement import Measurement


def front(measurements: Iterable[Measurement]) -> list[Measurement]:
    """The non-dominated candidates, by rising MACs, then index; O(n log n).

    One dominates another that has no higher accuracy and no fewer ``macs``, and differs in one of the two.
    So of candidates equal in both, all are on the front or none. Those that failed are left out.
    """
    ok = [(m, m.accuracy) for m in measurements if m.status == "ok" and m.accuracy is not None]
    ok.sort(key=lambda pair: (pair[0].macs, -pair[1], pair[0].index))
    found: list[Measurement] = []
    best: tuple[float, int] | None = None  # accuracy and MACs of the last one that entered
    for measurement, accuracy in ok:
        if best is None or accuracy > best[0] or (accuracy, measurement.macs) == best:
            found.append(measurement)
            best = accuracy, measurement.macs
    return found
