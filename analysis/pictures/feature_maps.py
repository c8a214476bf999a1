"""What networks make of an image: a column an image, a row a network, the input on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from analysis.pictures.canvas import GREY, new_figure, png, style

_TILE, _GAP, _LEFT, _TOP, _RIGHT, _BOTTOM = 0.92, 0.07, 1.55, 0.34, 0.62, 0.12  # inches


@dataclass(frozen=True)
class FeatureRow:
    """``maps``: (images, height, width)."""

    name: str
    maps: np.ndarray


def limits(rows: Sequence[FeatureRow]) -> tuple[float, float]:
    """One scale of colour for all maps of the rows, so that they can be compared: from 0, or below."""
    return min(0.0, *(float(row.maps.min()) for row in rows)), max(float(row.maps.max()) for row in rows)


def render_features(rows: Sequence[FeatureRow], titles: Sequence[str]) -> bytes:
    """The rows as PNG; ``titles`` stand over the columns. The first row is the input, in grey; the others
    share one scale."""
    width = _LEFT + len(titles) * (_TILE + _GAP) + _RIGHT
    height = _TOP + len(rows) * (_TILE + _GAP) + _BOTTOM

    def place(left: float, top: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """Inches from the left and the top as the figure's fractions."""
        return left / width, 1 - (top + high) / height, wide / width, high / height

    with style():
        figure = new_figure(width, height)
        for first, last, colours in ((0, 1, "gray_r"), (1, len(rows), "viridis")):
            low, high = limits(rows[first:last])
            image = None
            for down in range(first, last):
                top = _TOP + down * (_TILE + _GAP)
                figure.text(
                    (_LEFT - 0.12) / width, 1 - (top + _TILE / 2) / height, rows[down].name, ha="right",
                    va="center", fontsize=9.5,
                )  # fmt: skip
                for across, title in enumerate(titles):
                    axes = figure.add_axes(place(_LEFT + across * (_TILE + _GAP), top, _TILE, _TILE))
                    image = axes.imshow(
                        rows[down].maps[across], cmap=colours, vmin=low, vmax=high, interpolation="nearest"
                    )
                    _frame(axes, title if down == 0 else "")
            assert image is not None
            tall = (last - first) * (_TILE + _GAP) - _GAP
            left = _LEFT + len(titles) * (_TILE + _GAP) + 0.03
            bar = figure.add_axes(place(left, _TOP + first * (_TILE + _GAP), 0.09, tall))
            figure.colorbar(image, cax=bar, ticks=MaxNLocator(2 if last - first == 1 else 6))
            bar.tick_params(labelsize=7.5, length=2)
        return png(figure)


def _frame(axes: Any, title: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9.5, pad=4)
    for spine in axes.spines.values():
        spine.set(color=GREY, linewidth=0.5)
