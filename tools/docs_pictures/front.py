"""How a front is read."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from analysis import front, hypervolume
from analysis.pictures.canvas import GREY, INK, new_figure
from records.measurement import Measurement
from tools.docs_pictures.boxes import BLUE, ORANGE

DIGITS_RUN = Path(__file__).parents[2] / "results" / "first-search" / "digits"


@dataclass(frozen=True)
class FrontReading:
    """The front of a run with what is read from it. Points are (MACs, accuracy in percent)."""

    points: tuple[tuple[int, float], ...]
    others: tuple[tuple[int, float], ...]
    error: tuple[float, ...]  # one standard error of each point of the front, percentage points
    knee: int  # which point of the front
    reference: float  # MACs
    share: float  # hypervolume, of the rectangle


def knee(points: Sequence[tuple[float, float]]) -> int:
    """Which of the points (MACs, accuracy) by rising MACs lies farthest above the line from the first to the last, both
    axes scaled to [0, 1]; with less than three points the last."""
    if len(points) < 3:
        return len(points) - 1
    (x0, y0), (x1, y1) = points[0], points[-1]
    above = [(y - y0) / (y1 - y0) - (x - x0) / (x1 - x0) for x, y in points]
    return max(range(len(points)), key=above.__getitem__)


def front_reading(run: Path = DIGITS_RUN, images: int = 287) -> FrontReading:
    """Of the search in ``run``, whose candidates were judged on so many images."""
    lines = (run / "candidates.jsonl").read_text(encoding="utf-8").splitlines()
    measured = [m for m in map(Measurement.from_json, map(json.loads, lines)) if m.accuracy is not None]
    kept = front(measured)
    points = tuple((m.macs, 100 * (m.accuracy or 0.0)) for m in kept)
    others = tuple((m.macs, 100 * (m.accuracy or 0.0)) for m in measured if m not in kept)
    error = tuple(100 * math.sqrt(y / 100 * (1 - y / 100) / images) for _, y in points)
    reference = 1.1 * max(m.macs for m in measured)
    area = hypervolume([(y / 100, x) for x, y in points], (0.0, reference)) / reference
    return FrontReading(points, others, error, knee(points), reference, area)


def draw_front() -> Figure:
    reading = front_reading()
    figure = new_figure(7.4, 4.4)
    axes = figure.add_axes((0.1, 0.13, 0.87, 0.82))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    low = 84.0
    xs = [x / 1e3 for x, _ in reading.points] + [reading.reference / 1e3]
    ys = [y for _, y in reading.points]
    axes.fill_between(xs, [*ys, ys[-1]], low, step="post", color=BLUE, alpha=0.09, linewidth=0)
    axes.step(xs, [*ys, ys[-1]], where="post", color=BLUE, linewidth=1.6)
    axes.plot([x / 1e3 for x, _ in reading.others], [y for _, y in reading.others], "o", color="white",
              markeredgecolor=GREY, markersize=5)  # fmt: skip
    axes.errorbar(
        xs[:-1],
        ys,
        yerr=reading.error,
        fmt="o",
        color=BLUE,
        ecolor=ORANGE,
        elinewidth=1.3,
        capsize=3,
        markersize=6,
    )
    x, y = reading.points[reading.knee]
    axes.annotate(
        "knee: from here on\naccuracy costs more", (x / 1e3, y), (x / 1e3 + 12, y + 2.6), fontsize=8.5, color=INK, va="center",
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "shrinkB": 7},
    )  # fmt: skip
    axes.text(
        445, 85.6, f"hypervolume: the area under\nthe front, {100 * reading.share:.1f}% of the rectangle\nup to 100% and {reading.reference / 1e3:.0f}k MACs",
        fontsize=8.5, color=BLUE, va="center",
    )  # fmt: skip
    axes.annotate(
        "one standard error,\n287 images judge a candidate", (xs[2], ys[2] + reading.error[2]), (428, 96.9), fontsize=8.5, color=ORANGE,
        va="center", arrowprops={"arrowstyle": "-|>", "color": ORANGE, "linewidth": 0.9},
    )  # fmt: skip
    axes.set_xlim(390, reading.reference / 1e3)
    axes.set_ylim(low, 98)
    axes.set_xlabel("multiply-accumulates for one image (thousand MACs)   ← better")
    axes.set_ylabel("validation accuracy (%)   better →")
    return figure
