"""How a run went: each candidate's accuracy over its epochs, and the hypervolume as candidates came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.front import front
from analysis.hypervolume import shares_over_trials
from analysis.pictures.canvas import COLOURS, FAINT, GREY, new_figure, png, style
from analysis.run import Run

MOST = (
    500  # curves of candidates that are not on the front: more are one grey surface, and take minutes to draw
)
_LINES: tuple[Any, ...] = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Curve:
    """Values at 1, 2, ... (epochs or candidates), in the unit of the axis. ``strong``: of the front."""

    name: str
    values: tuple[float, ...]
    strong: bool = False


def history_curves(run: Run) -> list[Curve]:
    """Validation accuracy after each epoch, of every candidate that reported one, of more than `MOST` others evenly
    picked ones; the front's come last."""
    best = {m.index for m in front(run.ok)}
    others = [m for m in run.measurements if m.history and m.index not in best]
    others = others[:: -(-len(others) // MOST) or 1]
    found = [
        Curve(str(m.index), tuple(100 * value for value in m.history), m.index in best)
        for m in (*others, *(m for m in run.measurements if m.history and m.index in best))
    ]
    return sorted(found, key=lambda curve: curve.strong)


def hypervolume_curves(runs: Sequence[Run], names: Sequence[str], limit: float) -> list[Curve]:
    """The dominated share after each candidate; ``limit`` is the reference's MACs."""
    return [
        Curve(name, tuple(100 * share for share in shares_over_trials(run.measurements, limit)), True)
        for run, name in zip(runs, names, strict=True)
    ]


def render_history(curves: Sequence[Curve]) -> bytes:
    """``history_curves`` as PNG."""
    with style():
        figure, axes = _axes("epoch", "validation accuracy (%)")
        for curve in curves:
            # One epoch is a point, which a line does not show.
            marker = "o" if len(curve.values) == 1 else ""
            axes.plot(
                range(1, len(curve.values) + 1), curve.values, marker=marker, markersize=4,
                color=COLOURS[0] if curve.strong else "#b4bac1", linewidth=1.6 if curve.strong else 0.8,
                alpha=1 if curve.strong else 0.7, zorder=3 if curve.strong else 2,
            )  # fmt: skip
        axes.set_title("blue: candidates on the front", loc="left", fontsize=8.5, color=GREY)
        return png(figure)


def render_hypervolume(curves: Sequence[Curve]) -> bytes:
    """``hypervolume_curves`` as PNG."""
    with style():
        figure, axes = _axes("candidates measured", "hypervolume (%)")
        for number, curve in enumerate(curves):
            axes.plot(
                range(1, len(curve.values) + 1), curve.values, drawstyle="steps-post", linewidth=1.7,
                color=COLOURS[number % len(COLOURS)], linestyle=_LINES[number % len(_LINES)],
                marker="o" if len(curve.values) == 1 else "", label=curve.name[:40],
            )  # fmt: skip
        if len(curves) > 1:
            axes.legend(frameon=False, fontsize=8, loc="lower right")
        return png(figure)


def _axes(x_label: str, y_label: str) -> tuple[Figure, Any]:
    figure = new_figure(7.6, 3)
    axes = figure.add_axes((0.68 / 7.6, 0.16, 6.72 / 7.6, 0.74))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes
