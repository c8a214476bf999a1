"""The boxes and arrows of the pictures, and their colours."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from analysis.pictures.canvas import COLOURS, GREY, INK, new_figure

BLUE, ORANGE = COLOURS[:2]


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Axes in inches over the whole figure."""
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    return figure, axes


def box(
    axes: Axes, centre: tuple[float, float], size: tuple[float, float], text: str, *, colour: str = GREY,
    strong: bool = False, font: float = 9,
) -> None:  # fmt: skip
    axes.add_patch(
        FancyBboxPatch(
            (centre[0] - size[0] / 2, centre[1] - size[1] / 2), *size, boxstyle="round,pad=0,rounding_size=0.07",
            linewidth=1.5 if strong else 0.9, edgecolor=colour, facecolor="#fdf0e6" if strong else "white", zorder=3,
        )
    )  # fmt: skip
    axes.text(*centre, text, ha="center", va="center", fontsize=font, color=INK, zorder=4, linespacing=1.35)


def arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], *, colour: str = GREY, bend: float = 0.0,
    dashed: bool = False, gap: float = 1,
) -> None:  # fmt: skip
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=10, linewidth=1.2, color=colour, shrinkA=1, shrinkB=gap,
            connectionstyle=f"arc3,rad={bend}", linestyle="--" if dashed else "-", zorder=2,
        )
    )  # fmt: skip
