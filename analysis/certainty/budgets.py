"""Which candidate to take for at most so many MACs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.certainty.noise import Certainty, Tie
from analysis.front import front
from records.measurement import Measurement

MOST_ROWS = 15


@dataclass(frozen=True)
class Budget:
    """For a budget of ``least`` to ``most`` MACs (None: of any more) take ``measurement``, which has ``least``; ``ties``
    need fewer MACs and may be as good, by rising MACs."""

    least: int
    most: int | None
    measurement: Measurement
    ties: tuple[Tie, ...] = ()


def budgets(certainty: Certainty) -> list[Budget]:
    """A row for each point of a run's front, by rising MACs; of a front of more than `MOST_ROWS` for some of its points,
    the first and the last among them. Each row ends where the next one begins. Empty where nothing was judged."""
    ok = certainty.run.ok
    points = _thinned(_distinct(front(ok)))
    ends = [m.macs - 1 for m in points[1:]] + [None]
    return [
        Budget(m.macs, end, m, tuple(certainty.ties(m, (other for other in ok if other.macs < m.macs))))
        for m, end in zip(points, ends, strict=False)
    ]


def _distinct(points: Iterable[Measurement]) -> list[Measurement]:
    """One of those that are equal in MACs and accuracy."""
    return list({m.macs: m for m in reversed(list(points))}.values())[::-1]


def _thinned(points: Sequence[Measurement]) -> list[Measurement]:
    """The first one, and of parts of equal length in the logarithm of MACs the most accurate one each."""
    if len(points) <= MOST_ROWS:
        return list(points)
    places = [math.log(max(m.macs, 1)) for m in points]
    parts = MOST_ROWS - 1
    kept = {0: points[0]}  # a point's part, from 1; the later ones of a part are more accurate
    for place, m in zip(places[1:], points[1:], strict=True):
        kept[max(1, math.ceil(parts * (place - places[0]) / (places[-1] - places[0])))] = m
    return list(kept.values())
