"""The front plot as a plain record: what is drawn, and where the axes end. ``plot_render`` draws it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.ticker import LogLocator, MaxNLocator

from analysis.front import front, macs
from analysis.run import Run
from analysis.selection.best import best
from analysis.selection.confirmed import Confirmation, by_other_seeds
from records.errors import UserError
from records.measurement import Measurement
from records.text import count_text, without_paths

if TYPE_CHECKING:  # it imports torch, which takes seconds
    from analysis.references import Reference

Point = tuple[float, float]  # (MACs or milliseconds, accuracy in percent)
Cost = Callable[[Measurement], float]
LOG_FROM = 6.0  # largest over smallest MACs from which on the axis is logarithmic
FAR = 100.0  # a reference so many times above all candidates' MACs, or below, is named but not drawn
_LEAST = 1e-3  # MACs or milliseconds
X_LABEL = "multiply-accumulates for one image (MACs)"
LATENCY_LABEL = "latency as each trial measured it (ms)"
Y_LABEL = "accuracy (%)"


@dataclass(frozen=True)
class Series:
    """One run: all its candidates, its front by rising cost, the one to take (None: none fits), what that came to by
    other seeds, and those that were confirmed, each with mean and standard deviation over seeds (as the axis, percent,
    percent; 0 of a single seed), and what the search measured of each of these (percent)."""

    name: str
    candidates: tuple[Point, ...]
    front: tuple[Point, ...]
    best: Point | None
    confirmed: tuple[tuple[float, float, float], ...] = ()
    best_again: Confirmation | None = None
    measured: tuple[float, ...] = ()


@dataclass(frozen=True)
class Axes:
    """Where the axes end (MACs or milliseconds; percent), how the horizontal one runs, and their ticks."""

    x: tuple[float, float]
    y: tuple[float, float]
    log: bool
    x_ticks: tuple[float, ...]
    y_ticks: tuple[float, ...]


@dataclass(frozen=True)
class FrontPlot:
    """What a front plot shows.

    ``references`` stand at their published count of MACs; ``far`` are those beyond the picture. ``below``
    counts candidates under the picture's lower end, which are drawn as marks on it. ``again`` is what the numbers of the
    confirmed are called.
    """

    title: str
    series: tuple[Series, ...]
    references: tuple[Reference, ...]
    far: tuple[Reference, ...]
    budget: int | None
    axes: Axes
    below: int
    x_label: str = X_LABEL
    y_label: str = Y_LABEL
    again: str = ""

    def x_text(self, x: float) -> str:
        """A value of the horizontal axis as a person reads it."""
        return f"{x:.3g} ms" if self.x_label == LATENCY_LABEL else count_text(x)


def front_plot(
    runs: Sequence[Run],
    *,
    max_macs: int | None = None,
    references: Sequence[Reference] = (),
    title: str | None = None,
    latency: bool = False,
) -> FrontPlot:
    """The record of the fronts of ``runs`` over each other; with ``latency`` against that in place of MACs, for runs
    that `have_latency`. Raises `UserError` if a run measured nothing."""
    cost = _latency if latency else macs
    names = distinct_names(runs)
    series = tuple(_series(run, name, max_macs, cost) for run, name in zip(runs, names, strict=True))
    candidates = [point for one in series for point in one.candidates]
    low, high = min(x for x, _ in candidates), max(x for x, _ in candidates)
    near = tuple(r for r in references if low / FAR <= r.macs_published <= high * FAR)
    far = tuple(r for r in references if r not in near)
    extra: list[Point] = [(r.macs_published, 100 * r.accuracy) for r in near]
    extra += [(x, y + sign * bar) for one in series for x, y, bar in one.confirmed for sign in (-1, 1)]
    wanted = [point for one in series for point in one.front] + extra
    # By run: one that is worse throughout has no outliers for it.
    floors = [_floor([y for _, y in one.candidates]) for one in series]
    floor = min(*floors, *(y for _, y in wanted))
    shown = [point for point in candidates if point[1] >= floor] + extra
    xs = [x for x, _ in candidates + extra] + ([max_macs] if max_macs else [])
    return FrontPlot(
        title or run_title(runs),
        series,
        near,
        far,
        max_macs,
        _axes(xs, [y for _, y in shown]),
        sum(y < floor for _, y in candidates),
        LATENCY_LABEL if latency else X_LABEL,
        again=by_other_seeds(each for run in runs for each in run.confirmed.values()),
    )


def have_latency(runs: Sequence[Run]) -> bool:
    """Whether each run's candidates have a measured latency."""
    return all(run.ok and all(m.latency for m in run.ok) for run in runs)


def _latency(measurement: Measurement) -> float:
    return measurement.latency or 0.0


def distinct_names(runs: Sequence[Run]) -> list[str]:
    """A name for each run: its folder's, with the folder above where two are the same."""
    names = [run.name for run in runs]
    return [
        f"{run.path.parent.name}/{name}" if names.count(name) > 1 else name
        for run, name in zip(runs, names, strict=True)
    ]


def _series(run: Run, name: str, max_macs: int | None, cost: Cost) -> Series:
    ok = run.require_ok()
    chosen: Point | None = None
    chosen_again = None
    with contextlib.suppress(UserError):  # nothing within the budget; whoever asks for the best is told
        taken = best(run, max_macs)
        chosen, chosen_again = (
            (cost(taken), 100 * (taken.accuracy or 0.0)),
            run.confirmed.get(taken.index),
        )
    again = sorted(
        ((cost(m), run.confirmed[m.index], m) for m in ok if m.index in run.confirmed), key=lambda a: a[0]
    )
    bars = tuple((spent, 100 * each.mean, 100 * (each.deviation or 0.0)) for spent, each, _ in again)

    def points(measurements: Iterable[Measurement]) -> tuple[Point, ...]:
        return tuple((cost(m), 100 * (m.accuracy or 0.0)) for m in measurements)

    return Series(
        name,
        points(ok),
        points(front(ok, cost)),
        chosen,
        bars,
        chosen_again,
        tuple(100 * (m.accuracy or 0.0) for *_, m in again),
    )


def run_title(runs: Sequence[Run]) -> str:
    """What all runs have in common, such as ``digits · darts-global · evolution``."""
    shared = []
    for name in ("dataset", "space", "strategy"):
        values = {str(run.settings.get(name)) for run in runs}
        if len(values) == 1 and (value := values.pop()) != "None":
            shared.append(without_paths(value)[:40])
    return " · ".join(shared) or "accuracy against MACs"


def _floor(values: Sequence[float]) -> float:
    """The lowest accuracy to show of a run: networks that learned nothing must not squeeze the others."""
    ordered = sorted(values)
    quarter, three = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    outlier = quarter - 3 * max(three - quarter, 1.0)
    return min(value for value in ordered if value >= outlier)


def _axes(xs: Sequence[float], ys: Sequence[float]) -> Axes:
    low, high = max(_LEAST, min(xs)), max(_LEAST, *xs)
    log = high / low >= LOG_FROM
    if log:
        pad = max((high / low) ** 0.05, 1.05)
        x = low / pad, high * pad
    else:
        span = high - low or 0.5 * high
        x = max(0.0, low - 0.07 * span), high + 0.07 * span
    bottom, top = min(ys), max(ys)
    # At least two points of accuracy, so that noise is not drawn as a mountain; room above for the arrow.
    span = max(top - bottom, 2.0)
    middle = (top + bottom) / 2
    y = min(bottom, middle - span / 2) - 0.07 * span, max(top, middle + span / 2) + 0.17 * span
    y = max(y[0], -0.02 * span), y[1]
    y_ticks = tuple(tick for tick in _linear_ticks(*y, 6) if 0 <= tick <= 100)
    return Axes(x, y, log, _log_ticks(*x) if log else _linear_ticks(*x, 7), y_ticks)


def _linear_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Round numbers in [low, high], evenly spaced, at most ``most`` + 1."""
    return _within(low, high, MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high))


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    """1, 2 and 5 times powers of ten in [low, high]; over many decades powers of ten alone."""
    factors = (1.0, 2.0, 5.0) if high / low < 3000 else (1.0,)
    return _within(low, high, LogLocator(subs=factors, numticks=100).tick_values(low, high))


def _within(low: float, high: float, ticks: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(float(tick), 10) for tick in ticks if low <= tick <= high)
