"""Pictures of studies, each drawn on axes that are given, and as PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from analysis.front import front
from analysis.pictures.canvas import COLOURS, FAINT, GREY, INK, new_figure, png, style
from analysis.run import Run
from analysis.studies.attainment import Attainment
from analysis.studies.frequency import Frequency
from analysis.studies.global_layers import Comparison
from analysis.studies.importance import Importance
from records.text import tick_text

MACS_LABEL, ACCURACY_LABEL = "← multiply-accumulates for one image (MACs)", "accuracy (%) →"
MOST_BARS = 12


def picture(
    draw: Callable[[Any], None], width: float = 7.6, height: float = 3.6, left: float = 0.68
) -> bytes:
    """What ``draw`` draws on one pair of axes, as PNG; sizes in inches, ``left`` is the room for labels."""
    with style():
        figure = new_figure(width, height)
        axes = figure.add_axes(
            (left / width, 0.5 / height, (width - left - 0.2) / width, (height - 0.75) / height)
        )
        draw(axes)
        return png(figure)


def draw_front(axes: Any, runs: Sequence[Run], names: Sequence[str] = ()) -> None:
    """Every candidate and the front of each run, MACs against accuracy in percent."""
    for number, run in enumerate(runs):
        colour = COLOURS[number % len(COLOURS)]
        name = names[number] if names else run.name
        ok, points = run.ok, front(run.ok)
        axes.plot([m.macs for m in ok], [_percent(m.accuracy) for m in ok], ".", color=colour, alpha=0.25)
        axes.plot(
            [m.macs for m in points], [_percent(m.accuracy) for m in points], "o-", color=colour, markersize=5,
            drawstyle="steps-post", label=name[:40],
        )  # fmt: skip
    _axes_of_a_front(axes)
    if len(runs) > 1:
        axes.legend(frameon=False, fontsize=8)


def draw_importance(axes: Any, importance: Importance) -> None:
    """Bars of the largest shares of the variance, with their standard deviations over folds."""
    shown = importance.shares[:MOST_BARS][::-1]
    axes.barh(
        range(len(shown)), [100 * max(share, 0.0) for _, share, _ in shown], xerr=[100 * spread for *_, spread in shown],
        color=COLOURS[0], ecolor=GREY, height=0.65,
    )  # fmt: skip
    axes.set_yticks(range(len(shown)), [name for name, _, _ in shown], fontsize=8)
    axes.set_xlabel(f"share of the variance of {importance.target} (%)")
    axes.set_xlim(left=0)
    _plain(axes, "x")


def draw_frequency(axes: Any, found: Sequence[Frequency]) -> None:
    """A row each: the share everywhere as a line, on the front as a mark, and what chance does as a band."""
    for place, each in enumerate(reversed(found)):
        low, high = (100 * end for end in each.chance)
        axes.plot([low, high], [place, place], color=FAINT, linewidth=7, solid_capstyle="butt", zorder=1)
        axes.plot(
            [100 * each.everywhere] * 2, [place - 0.35, place + 0.35], color=GREY, linewidth=1.4, zorder=2
        )
        colour = GREY if each.told == "as often" else COLOURS[1]
        axes.plot([100 * each.on_front], [place], "o", color=colour, markersize=6, zorder=3)
    axes.set_yticks(range(len(found)), [each.name for each in reversed(found)], fontsize=8)
    axes.set_ylim(-0.7, len(found) - 0.3)
    axes.set_xlabel("share (%): line everywhere, mark on the front, band what chance does")
    _plain(axes, "x")


def draw_attainment(axes: Any, found: Attainment, runs: Sequence[Run] = ()) -> None:
    """The median surface, the band between the quartiles, and the fronts of ``runs`` as faint lines."""
    limit = found.limit
    for run in runs:
        points = front(run.ok)
        xs = [*(m.macs for m in points), limit]
        ys = [_percent(m.accuracy) for m in points]
        axes.plot(xs, [*ys, *ys[-1:]], drawstyle="steps-post", color="#b4bac1", linewidth=0.8, zorder=1)
    for quantile, line, name in ((25, ":", "a quarter of the runs"), (50, "-", "half of them (median)"),
                                 (75, "--", "three quarters")):  # fmt: skip
        corners = found.surfaces.get(quantile, ())
        if corners:
            xs, ys = [macs for macs, _ in corners], [_percent(accuracy) for _, accuracy in corners]
            axes.plot(
                [*xs, limit], [*ys, ys[-1]], drawstyle="steps-post", color=COLOURS[0], linestyle=line,
                linewidth=2 if quantile == 50 else 1.3, label=f"reached by {name}", zorder=3,
            )  # fmt: skip
    _axes_of_a_front(axes)
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def draw_comparison(axes: Any, found: Comparison) -> None:
    """Accuracy against MACs of both groups; a thin line joins each pair."""
    for pair in found.pairs[:400]:
        axes.plot(
            [pair.first.macs, pair.second.macs], [_percent(pair.first.accuracy), _percent(pair.second.accuracy)],
            color=FAINT, linewidth=0.8, zorder=1,
        )  # fmt: skip
    for of_first, name, colour, marker in (
        (True, found.first, COLOURS[1], "o"),
        (False, found.second, COLOURS[0], "s"),
    ):
        points = [(macs, 100 * accuracy) for macs, accuracy, side in found.points if side == of_first]
        if points:
            axes.plot(
                *zip(*points, strict=True), linestyle="none", marker=marker, markersize=4.2, color=colour, alpha=0.75,
                markeredgewidth=0, label=f"{name} ({len(points)})", zorder=3,
            )  # fmt: skip
    _axes_of_a_front(axes)
    if found.points:
        axes.legend(frameon=False, fontsize=8)


def draw_differences(axes: Any, found: Comparison) -> None:
    """Each pair's difference over its MACs, the mean and its interval."""
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.plot(
        [pair.first.macs for pair in found.pairs], [100 * pair.difference for pair in found.pairs], linestyle="none",
        marker="o", markersize=4, color=COLOURS[0], alpha=0.6, markeredgewidth=0,
    )  # fmt: skip
    if len(found.pairs) > 1:
        low, high = (100 * end for end in found.interval)
        axes.axhspan(low, high, color=COLOURS[1], alpha=0.2, label="95% interval of the mean")
        axes.axhline(100 * found.mean, color=COLOURS[1], linewidth=1.6, label="mean")
        axes.legend(frameon=False, fontsize=8)
    _axes_of_a_front(axes)
    axes.set_ylabel("difference at equal MACs (points)")


def draw_weights(axes: Any, counts: dict[str, tuple[float, ...]], most: int = 6) -> None:
    """By primitive, edges that have it over epochs; those that moved most have a colour and a name."""
    moved = sorted(counts, key=lambda name: -abs(counts[name][-1] - counts[name][0]))
    for name in reversed(moved):
        strong = moved.index(name) < most
        values = counts[name]
        axes.plot(
            range(1, len(values) + 1), values, linewidth=1.7 if strong else 0.8, label=name if strong else None,
            color=COLOURS[moved.index(name)] if strong else "#b4bac1", marker="o" if len(values) == 1 else "",
            zorder=3 if strong else 2,
        )  # fmt: skip
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    axes.set_ylabel("edges of a cell of each kind")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    _plain(axes, "both")


def _percent(share: float | None) -> float:
    return 100 * (share or 0.0)


def _axes_of_a_front(axes: Any) -> None:
    low, high = axes.dataLim.intervalx
    if 0 < low < high and high / low > 6:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 3000 else (1.0,)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    axes.set_xlabel(MACS_LABEL)
    axes.set_ylabel(ACCURACY_LABEL)
    _plain(axes, "both")


def _plain(axes: Any, grid: str) -> None:
    axes.grid(color=FAINT, linewidth=0.6, axis=grid)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
