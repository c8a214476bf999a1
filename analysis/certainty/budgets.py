"""Which candidate to take for at most so many MACs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.certainty.noise import Certainty, Tie
from analysis.front import front
from records.measurement import Measurement

MOST_ROWS = 15
NEAR = 1.25  # a row's budget is at most so many times its candidate's MACs, where each point has a row
_GRIDS = (
    (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0,),
)  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """For at most ``macs`` take ``measurement``, the most accurate one within; ``ties`` need fewer MACs and may be as
    good, by rising MACs."""

    macs: int
    measurement: Measurement
    ties: tuple[Tie, ...] = ()


def budgets(certainty: Certainty) -> list[Budget]:
    """A row for each point of a run's front, by rising MACs, at the roundest budget for which it is the one to take;
    of a long front fewer, at round budgets. Between two rows the upper one holds. Empty where nothing was judged."""
    ok = certainty.run.ok
    points = _distinct(front(ok))
    rows = _each(points) if len(points) <= MOST_ROWS else _thinned(points)
    return [
        Budget(most, m, tuple(certainty.ties(m, (other for other in ok if other.macs < m.macs))))
        for most, m in rows
    ]


def roundest(low: float, high: float) -> int:
    """The number with the fewest digits in [low, high), the least of these; 0 < low < high, both whole."""
    step = 10 ** math.floor(math.log10(low))
    while True:
        least = math.ceil(low / step) * step
        if least < high or step == 1:
            return int(least)
        step //= 10


def _distinct(points: Iterable[Measurement]) -> list[Measurement]:
    """One of those that are equal in MACs and accuracy."""
    return list({m.macs: m for m in reversed(list(points))}.values())[::-1]


def _each(points: Sequence[Measurement]) -> list[tuple[int, Measurement]]:
    ends: list[float] = [m.macs for m in points[1:]] + [math.inf]
    rows = []
    for m, end in zip(points, ends, strict=False):
        low = max(m.macs, 1)
        rows.append((roundest(low, min(end, math.ceil(NEAR * low) + 1)), m))
    return rows


def _thinned(points: Sequence[Measurement]) -> list[tuple[int, Measurement]]:
    for grid in _GRIDS:
        rows = _on_grid(points, grid)
        if len(rows) <= MOST_ROWS:
            break
    return rows


def _on_grid(points: Sequence[Measurement], grid: Sequence[float]) -> list[tuple[int, Measurement]]:
    first, last = (math.floor(math.log10(max(m.macs, 1))) for m in (points[0], points[-1]))
    limits = [round(factor * 10**power) for power in range(first, last + 2) for factor in grid]
    found: dict[int, tuple[int, Measurement]] = {}  # by the candidate, at the least budget
    for limit in limits:
        within = [m for m in points if m.macs <= limit]
        if within:
            found.setdefault(within[-1].index, (limit, within[-1]))
    return list(found.values())
