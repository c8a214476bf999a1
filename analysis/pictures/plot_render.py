"""Draws the record of a front plot."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.pictures.canvas import COLOURS, DPI, FAINT, GREY, INK, new_figure, png, style
from analysis.pictures.labels import Box, Pixel, place
from analysis.pictures.plot import X_LABEL, FrontPlot, Series
from analysis.selection.confirmed import by_other_seeds
from analysis.text_table import count_text, tick_text

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_LINES: tuple[Any, ...] = ("-", "--", "-.", ":")
_BEST, _OTHERS = "#D55E00", "#8b939c"
_LONGEST = 44  # letters of a run's name in the legend


def render_front(plot: FrontPlot) -> bytes:
    """The plot as PNG; equal records give equal bytes."""
    with style():
        return png(front_figure(plot))


def front_figure(plot: FrontPlot) -> Figure:
    """The plot as a figure. Call it within ``canvas.style()``."""
    entries = _legend_entries(plot)
    rows = -(-len(entries) // _columns(plot))
    note = _note(plot)
    room = 0.06 + 0.16 * len(note.splitlines())
    below = 0.6 + 0.2 * rows + room
    height = 4.5 + below
    figure = new_figure(7.6, height)
    axes = figure.add_axes((0.68 / 7.6, below / height, 6.72 / 7.6, 4.05 / height))
    _frame(axes, plot)
    several = len(plot.series) > 1
    for number, series in enumerate(plot.series):
        _draw_series(axes, plot, series, number, several)
    for reference in plot.references:
        axes.plot(
            reference.macs_published, 100 * reference.accuracy, marker="D", markersize=5, color=INK,
            markerfacecolor=INK if reference.uses_global_layer else "white", markeredgewidth=1, zorder=6,
            linestyle="none", gid="reference",
        )  # fmt: skip
    if plot.budget:
        axes.axvline(plot.budget, ymax=0.88, color=GREY, linestyle=(0, (2, 2)), linewidth=1, zorder=1.5)
    _better(axes)
    _labels(axes, plot)
    figure.legend(
        handles=entries, loc="lower center", bbox_to_anchor=(0.5, (room + 0.06) / height),
        ncols=_columns(plot), frameon=False, fontsize=8.5, handlelength=2.2, columnspacing=1.8,
        borderaxespad=0, labelspacing=0.35,
    )  # fmt: skip
    if note:
        figure.text(0.5, 0.06 / height, note, ha="center", va="bottom", fontsize=7.5, color=GREY)
    return figure


def _frame(axes: Any, plot: FrontPlot) -> None:
    span = plot.axes
    axes.set_xscale("log" if span.log else "linear")
    axes.set_xlim(*span.x)
    axes.set_ylim(*span.y)
    axes.set_xticks(span.x_ticks, [tick_text(tick) for tick in span.x_ticks])
    axes.set_xticks([], minor=True)
    axes.set_yticks(span.y_ticks, [f"{tick:g}" for tick in span.y_ticks])
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.y_label)
    axes.set_title(plot.title, loc="left", fontsize=11, fontweight="bold", pad=8)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_series(axes: Any, plot: FrontPlot, series: Series, number: int, several: bool) -> None:
    colour, marker = COLOURS[number % len(COLOURS)], _MARKERS[number % len(_MARKERS)]
    floor = plot.axes.y[0]
    plain = [point for point in series.candidates if point not in series.front]
    shown = [point for point in plain if point[1] >= floor]
    under = [point for point in plain if point[1] < floor]
    many = len(series.candidates) > 150
    axes.plot(
        [x for x, _ in shown], [y for _, y in shown], linestyle="none", marker=marker,
        markersize=3.2 if many else 4.6, markerfacecolor="white", markeredgewidth=0.9,
        markeredgecolor=colour if several else _OTHERS, alpha=0.45 if several else 0.85, zorder=3 + number / 50,
        gid="candidates",
    )  # fmt: skip
    if under:
        axes.plot(
            [x for x, _ in under], [floor] * len(under), linestyle="none", marker="v", markersize=4.5,
            color=colour if several else _OTHERS, clip_on=False, zorder=3, gid="below",
        )  # fmt: skip
    # What a budget of x buys: level until the next point of the front, and on beyond the last one.
    xs = [x for x, _ in series.front] + [plot.axes.x[1]]
    ys = [y for _, y in series.front] + [series.front[-1][1]]
    line = _LINES[number % len(_LINES)]
    axes.plot(
        xs, ys, drawstyle="steps-post", color=colour, linewidth=1.7, linestyle=line, zorder=2.5, gid="front"
    )
    axes.plot(
        xs[:-1], ys[:-1], linestyle="none", marker=marker, markersize=6.2, color=colour,
        markeredgecolor="white", markeredgewidth=0.8, zorder=5 + number / 50, gid="front-points",
    )  # fmt: skip
    if series.confirmed:
        macs, means, deviations = zip(*series.confirmed, strict=True)
        axes.vlines(
            macs, series.measured, means, color=INK, alpha=0.45, linewidth=0.8, zorder=2.6, gid="stems"
        )
        axes.errorbar(
            macs, means, deviations, linestyle="none", marker="_", markersize=9, color=INK, ecolor=INK, elinewidth=1.1,
            capsize=3, zorder=6.5, gid="confirmed",
        )  # fmt: skip
    if series.best:
        axes.plot(
            *series.best, marker="*", markersize=15, color=colour if several else _BEST, markeredgecolor=INK,
            markeredgewidth=0.8, linestyle="none", zorder=7, gid="best",
        )  # fmt: skip


def _better(axes: Any) -> None:
    """An arrow to fewer MACs and higher accuracy, in the room left free above all points."""
    axes.annotate(
        "", xy=(0.013, 0.985), xytext=(0.058, 0.905), xycoords="axes fraction",
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.6, "mutation_scale": 14,
                    "shrinkA": 0, "shrinkB": 0}, zorder=8,
    )  # fmt: skip
    axes.text(0.066, 0.925, "better", transform=axes.transAxes, va="center", fontsize=9.5, style="italic")


def _labels(axes: Any, plot: FrontPlot) -> None:
    """Names of the references, and the best one's numbers, where they hide nothing."""
    wanted: list[tuple[tuple[float, float], str, dict[str, Any]]] = []
    if len(plot.series) == 1 and plot.series[0].best:
        wanted.append((plot.series[0].best, _best_text(plot), {"fontsize": 9, "fontweight": "bold"}))
    for reference in plot.references:
        point = reference.macs_published, 100 * reference.accuracy
        wanted.append((point, reference.name, {"fontsize": 7.5}))
    if not wanted:
        return
    renderer = axes.figure.canvas.get_renderer()
    pixels = axes.transData.transform

    def at(x: float, y: float) -> Pixel:
        found = pixels((x, y))
        return float(found[0]), float(found[1])

    points = [at(x, y) for one in plot.series for x, y in one.front]
    points += [at(r.macs_published, 100 * r.accuracy) for r in plot.references]
    points += [at(x, y) for one in plot.series for x, y in one.candidates[:400]]
    points += [
        at(x, y + part * bar) for one in plot.series for x, y, bar in one.confirmed for part in (-1, 0, 1)
    ]
    for one in plot.series:  # the steps of the front, as a row of points
        for (x0, y0), (x1, y1) in zip(
            one.front, [*one.front[1:], (plot.axes.x[1], one.front[-1][1])], strict=True
        ):
            a, b = at(x0, y0), at(x1, y1)
            points += [(a[0] + (b[0] - a[0]) * k / 12, a[1]) for k in range(13)]
            points += [(b[0], a[1] + (b[1] - a[1]) * k / 12) for k in range(13)]
    window = axes.get_window_extent(renderer)
    area = Box(window.x0 + 4, window.y0 + 4, window.x1 - 2, window.y1 - 2)
    arrow = Box(window.x0, window.y0 + 0.88 * window.height, window.x0 + 0.16 * window.width, window.y1)
    texts = [axes.text(*anchor, text, **look) for anchor, text, look in wanted]
    extents = [text.get_window_extent(renderer) for text in texts]
    scale = DPI / 100
    star = 9 * scale if len(plot.references) < len(wanted) else 0  # the first label's mark is larger
    boxes = place(
        [at(*anchor) for anchor, _, _ in wanted], [(e.width + (2 if i else 2 + star), e.height) for i, e in enumerate(extents)], points, area,
        taken=[arrow], scale=scale,
    )  # fmt: skip
    back = axes.transData.inverted().transform
    for (anchor, _, _), text, box in zip(wanted, texts, boxes, strict=True):
        text.set(ha="center", va="center", zorder=9)
        text.set_position(back(((box.left + box.right) / 2, (box.bottom + box.top) / 2)))
        start = at(*anchor)
        near = min(max(start[0], box.left), box.right), min(max(start[1], box.bottom), box.top)
        if (near[0] - start[0]) ** 2 + (near[1] - start[1]) ** 2 > (18 * scale) ** 2:
            ends = back([start, near])
            axes.plot(ends[:, 0], ends[:, 1], color=GREY, linewidth=0.6, zorder=5.5)


def _best_text(plot: FrontPlot) -> str:
    """The best one's numbers: what the search measured and, on a second line, what it came to by other seeds."""
    series = plot.series[0]
    assert series.best is not None
    x, y = series.best
    text, again = f"{y:.1f}%, {plot.x_text(x)}", series.best_again
    text += " MACs" if plot.x_label == X_LABEL else ""
    if again is None:
        return text
    spread = "" if again.deviation is None else f" ± {100 * again.deviation:.1f}"
    return f"{text}\n{100 * again.mean:.1f}{spread}% {by_other_seeds([again])}"


def _columns(plot: FrontPlot) -> int:
    return 2 if len(plot.series) > 1 or plot.references or plot.series[0].confirmed else 4


def _legend_entries(plot: FrontPlot) -> list[Line2D]:
    several = len(plot.series) > 1
    entries = []
    for number, series in enumerate(plot.series):
        colour, marker = COLOURS[number % len(COLOURS)], _MARKERS[number % len(_MARKERS)]
        name = series.name if len(series.name) <= _LONGEST else series.name[: _LONGEST - 1] + "…"
        entries.append(
            Line2D([], [], color=colour, marker=marker, linestyle=_LINES[number % len(_LINES)],
                   markeredgecolor="white", markersize=6.2, label=name if several else "front")
        )  # fmt: skip
    if any(point not in one.front for one in plot.series for point in one.candidates):
        entries.append(_key("o", "white", _OTHERS, "other candidates", 4.6))
    if any(one.confirmed for one in plot.series):
        entries.append(
            Line2D(
                [],
                [],
                color=INK,
                marker="_",
                markersize=9,
                linewidth=1.1,
                label=f"{plot.again}: mean ± standard deviation",
            )
        )
    if any(one.best for one in plot.series):
        label = "best" if not plot.budget else "best within the budget"
        entries.append(_key("*", GREY if several else _BEST, INK, label, 12))
    if plot.budget:
        entries.append(
            Line2D(
                [],
                [],
                color=GREY,
                linestyle=(0, (2, 2)),
                linewidth=1,
                label=f"budget: {tick_text(plot.budget)} MACs",
            )
        )
    for uses, label in ((True, "poster, with global layer"), (False, "poster, without")):
        if any(r.uses_global_layer == uses for r in plot.references):
            entries.append(_key("D", INK if uses else "white", INK, label, 5))
    return entries


def _key(marker: str, face: str, edge: str, label: str, size: float) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker=marker, markersize=size, markerfacecolor=face, markeredgecolor=edge,
        label=label,
    )  # fmt: skip


def _note(plot: FrontPlot) -> str:
    """What the picture does not show by itself."""
    parts = []
    if plot.references:
        parts.append(
            "Candidates: validation accuracy. Poster: test accuracy, its published count of MACs (no PDE)."
        )
    if plot.far:
        names = ", ".join(f"{r.name} ({count_text(r.macs_published)})" for r in plot.far[:3])
        more = f" and {len(plot.far) - 3} more" if len(plot.far) > 3 else ""
        parts.append(f"Beyond the picture: {names}{more}.")
    if plot.below:
        what = "candidate is" if plot.below == 1 else "candidates are"
        parts.append(f"{plot.below} {what} below the picture (▼ at its lower end).")
    return "\n".join(parts)
