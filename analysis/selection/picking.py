"""Which points of a run a user asks for: ``--pick best``, ``knee``, ``index=N``, ``max-macs=X``, ``max-latency=T``, ``front``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.front import front
from analysis.run import Run, read_run
from analysis.selection.choice import Choice, choose, genotype_of, holds_searches, searches
from records.checks import parse_count, parse_milliseconds, shown
from records.errors import UserError
from records.measurement import Measurement
from records.text import count_text

ACCEPTED = "best, knee, front, index=N, max-macs=X (such as 300k), max-latency=T (such as 2ms)"
Point = tuple[Run, Measurement]


def pick(path: str | Path, what: str | int = "best") -> list[Choice]:
    """The candidates of a run, or of all searches of a hub or a sweep, that ``what`` asks for; a number is an index.

    ``best``: the most accurate one within the search's budget, by its mean where it was confirmed. ``knee``: the point
    of the front farthest above the line from its first to its last point, over the logarithm of MACs. ``front``: all
    its points, by rising MACs. ``max-macs=X`` and ``max-latency=T``: the most accurate one with no more MACs, or whose
    measured latency is no longer. A genotype's file is its own only point.

    Raises:
        UserError: another text, a file with something else than ``best``, or no such candidate.
    """
    if not isinstance(what, (str, int)):
        raise UserError(f"pick is {shown(what)}; accepted: {ACCEPTED}")
    name, _, value = str(what).strip().partition("=")
    if isinstance(what, int) or str(what).strip().isdigit():
        name, value = "index", str(what)
    if name == "index":
        if not re.fullmatch(r"\d{1,9}", value):
            raise UserError(f"index is {shown(value)}; accepted: a whole number, 0 or more")
        if not Path(path).is_dir():
            raise UserError(f"an index goes with a run folder; {path} is none")
        return [choose(path, int(value))]
    if what == "best":
        return [choose(path)]
    if bool(value) != (name in _LIMITS) or name not in (*_LIMITS, *_OF_FRONT):
        raise UserError(f"pick is {shown(what)}; accepted: {ACCEPTED}")
    if not Path(path).is_dir():
        raise UserError(f"{name} goes with a run folder; {path} is none")
    points = _points(Path(path))
    found = _LIMITS[name](points, value) if value else _OF_FRONT[name](_front(points))
    return [Choice(genotype_of(m, run), run.path, m) for run, m in found]


def _points(path: Path) -> list[Point]:
    run = read_run(path)
    runs = searches(path, finished=False) if holds_searches(run) else [run]
    return [(run, m) for run in runs for m in run.require_ok()]


def _front(points: Sequence[Point]) -> list[Point]:
    on_front = {id(m) for m in front(m for _, m in points)}
    return sorted(((run, m) for run, m in points if id(m) in on_front), key=lambda point: point[1].macs)


def knee(points: Sequence[Point]) -> Point:
    """The point of a front, by rising MACs, farthest above the line from its first to its last, over the logarithm of
    MACs; of two points or fewer the last."""
    if len(points) < 3:
        return points[-1]
    spots = [(math.log(max(m.macs, 1)), run.trusted(m)) for run, m in points]
    (first, low), (last, high) = spots[0], spots[-1]

    def above(place: int) -> float:
        x, y = spots[place]
        return (y - low) / ((high - low) or 1) - (x - first) / ((last - first) or 1)

    return points[max(range(len(points)), key=above)]


def _most_accurate(points: Sequence[Point]) -> list[Point]:
    return [min(points, key=lambda point: (-point[0].trusted(point[1]), point[1].macs, point[1].index))]


def _max_macs(points: Sequence[Point], text: str) -> list[Point]:
    most = parse_count(text)
    within = [point for point in points if point[1].macs <= most]
    if not within:
        least = min(m.macs for _, m in points)
        raise UserError(
            f"max-macs is {count_text(most)}, but no candidate has so few MACs; the smallest has {least:,}"
        )
    return _most_accurate(within)


def _max_latency(points: Sequence[Point], text: str) -> list[Point]:
    most = parse_milliseconds(text)
    measured = [(run, m, m.latency) for run, m in points if m.latency is not None]
    if not measured:
        raise UserError("no candidate has a measured latency; search with --latency on")
    within = [(run, m) for run, m, latency in measured if latency <= most]
    if not within:
        least = min(latency for _, _, latency in measured)
        raise UserError(
            f"max-latency is {most:g} ms, but no candidate is so fast; the fastest takes {least:g} ms"
        )
    return _most_accurate(within)


_LIMITS: dict[str, Callable[[Sequence[Point], str], list[Point]]] = {
    "max-macs": _max_macs,
    "max-latency": _max_latency,
}
_OF_FRONT: dict[str, Callable[[Sequence[Point]], list[Point]]] = {
    "knee": lambda points: [knee(points)],
    "front": list,
}
