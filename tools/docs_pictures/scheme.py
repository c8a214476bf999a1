"""The scheme: which values one step reads."""

from __future__ import annotations

from matplotlib.figure import Figure

from analysis.pictures.canvas import FAINT, GREY
from tools.docs_pictures.boxes import BLUE, ORANGE, arrow, canvas


def draw_scheme() -> Figure:
    """Which values one step reads: three levels of time, five points."""
    figure, axes = canvas(5.2, 2.6)
    levels = {"previous": 0.55, "now": 1.35, "next": 2.15}
    columns = (1.7, 2.7, 3.7)
    for name, y in levels.items():
        axes.plot([1.2, 4.2], [y, y], color=FAINT, linewidth=1, zorder=1)
        axes.text(
            0.15,
            y,
            {"previous": "time - dt", "now": "time", "next": "time + dt"}[name],
            va="center",
            fontsize=9,
        )
    for x in columns:
        axes.plot(x, levels["now"], "o", color=BLUE, markersize=10, zorder=3)
    axes.plot(columns[1], levels["previous"], "o", color=BLUE, markersize=10, zorder=3)
    axes.plot(columns[1], levels["next"], "o", color=ORANGE, markersize=12, zorder=3)
    for x, level in ((columns[0], "now"), (columns[2], "now"), (columns[1], "previous")):
        arrow(
            axes,
            (x, levels[level]),
            (columns[1], levels["next"]),
            bend=0.35 if level == "previous" else 0.0,
            gap=8,
        )
    arrow(axes, (columns[1], levels["now"]), (columns[1], levels["next"]), gap=8)
    for x, text in zip(columns, ("i - dx", "i", "i + dx"), strict=True):
        axes.text(x, 0.2, text, ha="center", va="center", fontsize=8.5, color=GREY)
    axes.text(4.32, 1.35, "and j - dy,\nj + dy", fontsize=8.5, color=GREY, va="center")
    axes.text(2.95, 2.25, "made in one step", fontsize=8.5, color=ORANGE, va="center")
    return figure
