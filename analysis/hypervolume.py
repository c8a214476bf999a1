"""The hypervolume indicator in two dimensions: the area that a set of candidates dominates.

Source: Zitzler and Thiele, "Multiobjective evolutionary algorithms: a comparative case study and the
strength Pareto approach", IEEE Transactions on Evolutionary Computation 3 (1999).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from records.measurement import Measurement

Point = tuple[float, float]  # (accuracy, MACs)
HEADROOM = 1.1  # the reference's MACs over the largest measured, so that the largest candidate counts too


def hypervolume(points: Iterable[Point], reference: Point) -> float:
    """Area dominated by ``points`` within ``reference``; accuracy is maximised, MACs are minimised.

    Args:
        points: (accuracy, MACs) each; dominated ones and those outside the reference add nothing.
        reference: the (accuracy, MACs) of the worst corner.

    Exact up to floating-point rounding; O(n log n).
    """
    floor, limit = reference
    inside = sorted((macs, -accuracy) for accuracy, macs in points if accuracy > floor and macs < limit)
    area, height = 0.0, floor
    for macs, negative in inside:
        if -negative > height:
            area += (-negative - height) * (limit - macs)
            height = -negative
    return area


def reference_macs(measurements: Iterable[Measurement]) -> float:
    """The reference's MACs for a set of runs that is to be compared: a tenth above the largest measured."""
    return HEADROOM * max((m.macs for m in measurements if m.status == "ok"), default=1)


def dominated_share(measurements: Iterable[Measurement], limit: float) -> float:
    """Hypervolume as a share of the rectangle from accuracy 0 to 1 and from 0 to ``limit`` MACs."""
    return hypervolume(_points(measurements), (0.0, limit)) / limit if limit > 0 else 0.0


def shares_over_trials(measurements: Sequence[Measurement], limit: float) -> list[float]:
    """``dominated_share`` of the first 1, 2, ... candidates, in the order they became known."""
    kept: list[Point] = []
    shares: list[float] = []
    for measurement in measurements:
        share = shares[-1] if shares else 0.0
        accuracy, macs = measurement.accuracy or 0.0, measurement.macs
        # Only what is non-dominated is kept, so that a step costs the size of the front, and most cost less.
        new = measurement.status == "ok" and not any(a >= accuracy and m <= macs for a, m in kept)
        if new:
            kept = [(a, m) for a, m in kept if not (accuracy >= a and macs <= m)]
            kept.append((accuracy, float(macs)))
            share = hypervolume(kept, (0.0, limit)) / limit if limit > 0 else 0.0
        shares.append(share)
    return shares


def _points(measurements: Iterable[Measurement]) -> list[Point]:
    return [(m.accuracy, float(m.macs)) for m in measurements if m.status == "ok" and m.accuracy is not None]
