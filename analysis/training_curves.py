"""Accuracy over the epochs of trainings: panels side by side, one colour a network.

Seeds are thin lines, or with ``Panel.band`` their mean as one line in a band from the least to the greatest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.canvas import COLOURS, FAINT, GREY, INK, new_figure, png, style

_LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), "-.")
_PANEL_WIDTH, _HEIGHT = 4.6, 3.6  # inches, without the key below
_KEY_COLUMNS, _KEY_ROW = 2, 0.19  # inches
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")  # more than colours: both repeat at 42 networks only


@dataclass(frozen=True)
class TrainingCurve:
    """Percent at epochs 1, 2, ...; ``end``: test accuracy in percent after the last one, or None."""

    name: str
    values: tuple[float, ...]
    end: float | None = None


@dataclass(frozen=True)
class Panel:
    """Curves of one data set; those of one name are seeds of each other. ``floor``: least percent shown, for
    curves that begin far below where they differ; None shows all. ``band``: draw the seeds of a name as their mean
    in a band from least to greatest, as far as the shortest of them goes."""

    title: str
    y_label: str
    curves: tuple[TrainingCurve, ...]
    floor: float | None = None
    band: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(curve.name for curve in self.curves))

    @property
    def limits(self) -> tuple[float, float]:
        """Of the y-axis: a little beyond what is shown."""
        shown = [v for c in self.curves for v in (*c.values, *(() if c.end is None else (c.end,)))]
        high, low = max(shown), min(shown) if self.floor is None else self.floor
        room = 0.04 * (high - low) or 1.0
        return low - (room if self.floor is None else 0), min(high + room, 100.0 + room / 2)


def render_curves(panels: Sequence[Panel]) -> bytes:
    """The panels as PNG."""
    width = _PANEL_WIDTH * len(panels)
    key = 0.35 + _KEY_ROW * max(math.ceil(len(panel.names) / _KEY_COLUMNS) for panel in panels)
    height = _HEIGHT + key
    with style():
        figure = new_figure(width, height)
        for place, panel in enumerate(panels):
            left = (place * _PANEL_WIDTH + 0.62) / width
            box = (left, (key + 0.135 * _HEIGHT) / height)
            axes = figure.add_axes((*box, (_PANEL_WIDTH - 0.8) / width, 0.755 * _HEIGHT / height))
            _draw(axes, panel)
        return png(figure)


def _draw(axes: Any, panel: Panel) -> None:
    for number, name in enumerate(panel.names):
        seeds = [curve for curve in panel.curves if curve.name == name]
        colour, line = COLOURS[number % len(COLOURS)], _LINES[number % len(_LINES)]
        lines = [curve.values for curve in seeds]
        if panel.band:
            epochs = list(zip(*lines, strict=False))
            low, high = [min(values) for values in epochs], [max(values) for values in epochs]
            axes.fill_between(
                range(1, len(epochs) + 1), low, high, color=colour, alpha=0.18, linewidth=0, zorder=2
            )
            lines = [tuple(fmean(values) for values in epochs)]
        for values in lines:
            axes.plot(
                range(1, len(values) + 1), values, color=colour, linewidth=1.3, linestyle=line, alpha=0.85,
                zorder=3, gid="curve",
            )  # fmt: skip
        for curve in seeds:
            if curve.end is not None:
                axes.plot(
                    [len(curve.values)], [curve.end], linestyle="none", marker=_MARKERS[number % len(_MARKERS)],
                    markersize=6.5, color=colour, markeredgecolor="white", markeredgewidth=0.8, zorder=5,
                    clip_on=False, gid="end",
                )  # fmt: skip
    ends = any(curve.end is not None for curve in panel.curves)
    axes.set_ylim(*panel.limits)
    axes.set_xlim(left=0)
    axes.set_title(panel.title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel("epoch")
    axes.set_ylabel(panel.y_label)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    entries = [
        Line2D(
            [], [], color=COLOURS[i % len(COLOURS)], linestyle=_LINES[i % len(_LINES)], linewidth=1.6,
            marker=_MARKERS[i % len(_MARKERS)] if ends else "", markersize=6, markeredgecolor="white",
            label=name,
        )
        for i, name in enumerate(panel.names)
    ]  # fmt: skip
    legend = axes.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(-0.02, -0.145), ncols=_KEY_COLUMNS, fontsize=8,
        frameon=False, title="marker: test accuracy, last epoch" if ends else None, title_fontsize=7.5,
        alignment="left",
    )  # fmt: skip
    legend.get_title().set_color(GREY)
