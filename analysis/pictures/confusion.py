"""Which classes are taken for which: tables of several networks side by side, on one scale of colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from analysis.pictures.canvas import GREY, INK, new_figure, png, style

_PANEL, _LEFT, _BOTTOM, _TOP = 3.55, 0.62, 0.62, 0.62  # inches
_FAR_RIGHT = 0.75
_WHITES = LinearSegmentedColormap.from_list("errors", ["#ffffff", "#9ecae1", "#2171b5", "#08306b"])
_MARK = "#D55E00"
_TEXT_SHARE = 0.55  # of the scale; darker cells have white text


@dataclass(frozen=True)
class ConfusionPanel:
    """``counts[true][given]`` of test images (a mean over seeds need not be whole)."""

    title: str
    counts: tuple[tuple[float, ...], ...]

    @property
    def errors(self) -> np.ndarray:
        """The counts without the diagonal."""
        table = np.array(self.counts, dtype=float)
        np.fill_diagonal(table, 0.0)
        return table

    @property
    def accuracy(self) -> float:
        """In [0, 1]."""
        table = np.array(self.counts, dtype=float)
        return float(np.trace(table) / table.sum())


def render_confusions(
    panels: Sequence[ConfusionPanel], marked: Sequence[tuple[int, int]] = (), unit: str = "test images"
) -> bytes:
    """The panels as PNG. Colour is the count of each mistake, the same scale for all; the diagonal shows the
    share of the class that is right. ``marked``: (true, given) pairs that get a frame."""
    highest = max(panel.errors.max() for panel in panels) or 1.0
    width = _LEFT + len(panels) * (_PANEL + 0.35) + _FAR_RIGHT
    height = _BOTTOM + _PANEL + _TOP
    with style():
        figure = new_figure(width, height)
        image: Any = None
        for place, panel in enumerate(panels):
            left = _LEFT + place * (_PANEL + 0.35)
            axes = figure.add_axes((left / width, _BOTTOM / height, _PANEL / width, _PANEL / height))
            image = _draw(axes, panel, highest, marked)
            if place == 0:
                axes.set_ylabel("true class")
        bar = figure.add_axes(
            ((width - _FAR_RIGHT + 0.02) / width, _BOTTOM / height, 0.13 / width, _PANEL / height)
        )
        figure.colorbar(image, cax=bar).set_label(f"mistakes ({unit})")
        bar.tick_params(labelsize=8)
        return png(figure)


def _draw(axes: Any, panel: ConfusionPanel, highest: float, marked: Sequence[tuple[int, int]]) -> Any:
    errors, counts = panel.errors, np.array(panel.counts, dtype=float)
    classes = len(counts)
    image = axes.imshow(errors, cmap=_WHITES, vmin=0, vmax=highest, interpolation="nearest")
    for true in range(classes):
        for given in range(classes):
            if true == given:
                axes.add_patch(Rectangle((given - 0.5, true - 0.5), 1, 1, color="#eceef1", linewidth=0))
                share = 100 * counts[true, true] / max(counts[true].sum(), 1)
                axes.text(given, true, f"{share:.0f}%", ha="center", va="center", fontsize=7, color=GREY)
            elif errors[true, given] >= 0.5:
                dark = errors[true, given] > _TEXT_SHARE * highest
                axes.text(
                    given, true, f"{errors[true, given]:.0f}", ha="center", va="center", fontsize=7.5,
                    color="white" if dark else INK,
                )  # fmt: skip
    for true, given in marked:
        axes.add_patch(
            Rectangle((given - 0.47, true - 0.47), 0.94, 0.94, fill=False, edgecolor=_MARK, linewidth=1.8)
        )
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    axes.tick_params(length=0, labelsize=8.5)
    axes.set_xlabel("given class")
    axes.set_title(panel.title, loc="left", fontsize=10)
    return image
