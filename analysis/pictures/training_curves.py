"""Accuracy over the epochs of trainings: one colour a network, a thin line a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from matplotlib.ticker import MaxNLocator

from analysis.pictures.panels import Look, limits, look


@dataclass(frozen=True)
class TrainingCurve:
    """Percent at epochs 1, 2, ..., NaN where there is none; ``end``: test accuracy in percent after the last one, or
    None."""

    name: str
    values: tuple[float, ...]
    end: float | None = None


@dataclass(frozen=True)
class CurvePanel:
    """Curves of one data set; those of one name are seeds of each other. ``floor``: least percent shown, for
    curves that begin far below where they differ; None shows all."""

    title: str
    y_label: str
    curves: tuple[TrainingCurve, ...]
    floor: float | None = None
    x_label: str = "epoch"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(curve.name for curve in self.curves))

    @property
    def markers(self) -> bool:
        return any(curve.end is not None for curve in self.curves)

    @property
    def key_title(self) -> str | None:
        return "marker: test accuracy, last epoch" if self.markers else None

    def draw(self, axes: Any) -> None:
        for number, name in enumerate(self.names):
            own = look(number)
            for curve in self.curves:
                if curve.name == name:
                    _draw(axes, curve, own)
        ends = [curve.end for curve in self.curves if curve.end is not None]
        values = [value for curve in self.curves for value in curve.values if not math.isnan(value)]
        axes.set_ylim(*limits([*ends, *values], self.floor))
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def _draw(axes: Any, curve: TrainingCurve, own: Look) -> None:
    epochs = range(1, len(curve.values) + 1)
    axes.plot(epochs, curve.values, color=own.colour, linewidth=1.3, linestyle=own.line, alpha=0.85, zorder=3)
    if curve.end is not None:
        axes.plot(
            [len(curve.values)], [curve.end], linestyle="none", marker=own.marker, markersize=6.5,
            color=own.colour, markeredgecolor="white", markeredgewidth=0.8, zorder=5, clip_on=False,
        )  # fmt: skip
