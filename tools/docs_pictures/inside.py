"""The layer inside a cell."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from analysis.pictures.canvas import GREY
from tools.docs_pictures.boxes import BLUE, ORANGE, arrow, box, canvas

FIELDS = ("velocity u", "velocity v", "diffusivity Dx", "diffusivity Dy")


def draw_inside() -> Figure:
    """One edge of a cell that is a global layer, and what the layer does with the map that it gets."""
    figure, axes = canvas(8.6, 3.9)
    axes.text(
        0.15, 3.68, "An edge of a cell is a global layer", fontsize=10.5, fontweight="bold", va="center"
    )
    box(axes, (0.75, 3.05), (1.2, 0.4), "cell before last", font=8)
    box(axes, (0.95, 2.1), (0.8, 0.4), "last cell", font=8)
    box(axes, (0.75, 0.75), (1.2, 0.4), "node", font=8)
    arrow(axes, (0.35, 2.85), (0.35, 0.96))
    axes.text(0.22, 1.9, "sep_conv_3x3", fontsize=8, color=GREY, va="center", ha="center", rotation=90)
    arrow(axes, (0.95, 1.9), (0.95, 0.96), colour=ORANGE)
    axes.text(1.08, 1.42, "global_5", fontsize=8.5, color=ORANGE, va="center")
    axes.text(0.75, 0.38, "the node sums its edges", fontsize=7.5, color=GREY, ha="center")
    for y in (3.3, 0.34):  # the edge, enlarged
        axes.plot([1.62, 1.72], [1.42, y], color=ORANGE, linewidth=0.8, linestyle=":", zorder=1)

    axes.add_patch(
        FancyBboxPatch(
            (1.72, 0.22), 6.72, 3.2, boxstyle="round,pad=0,rounding_size=0.1", linewidth=1.2, edgecolor=ORANGE,
            facecolor="#fffaf6", zorder=1,
        )
    )  # fmt: skip
    axes.text(1.85, 3.22, "the global layer", fontsize=9, color=ORANGE, va="center")
    box(axes, (2.45, 1.9), (0.86, 0.62), "input f\n(N, C, H, W)", font=7.5)
    heights = (2.85, 2.22, 1.58, 0.95)
    for y, name in zip(heights, FIELDS, strict=True):
        box(axes, (4.15, y), (1.7, 0.44), f"{name} =\nReLU(norm(conv 3x3))", font=7.2)
        arrow(axes, (2.89, 1.9), (3.29, y))
        arrow(axes, (5.01, y), (5.52, 1.9))
    box(
        axes, (6.3, 1.9), (1.54, 1.15), "K steps of\ndH/dt = div(D grad H)\n+ div(v H) + f\nfrom H = f",
        colour=ORANGE, strong=True, font=8,
    )  # fmt: skip
    axes.plot([2.45, 2.45, 6.3], [1.58, 0.42, 0.42], color=BLUE, linewidth=1.2, zorder=2)
    arrow(axes, (6.3, 0.42), (6.3, 1.32), colour=BLUE)
    axes.text(
        4.35,
        0.53,
        "the source, and the state at the start",
        fontsize=7.5,
        color=BLUE,
        ha="center",
        va="center",
    )
    box(axes, (7.85, 1.9), (0.98, 0.62), "ReLU(norm(H))\n(N, C, H, W)", font=7.5)
    arrow(axes, (7.08, 1.9), (7.35, 1.9), colour=ORANGE)
    return figure
