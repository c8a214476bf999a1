"""A global layer at work on one image: the map before and after each step, its fields, and where it is not stable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.pictures.canvas import GREY, new_figure, png, style
from records.layer_maps import LayerMaps

CHANNELS = 6
_TILE, _GAP, _LEFT, _TOP, _RIGHT = 0.95, 0.07, 1.5, 0.62, 0.7  # inches
_Row = tuple[str, np.ndarray]


def most_changed(maps: LayerMaps, count: int = CHANNELS) -> list[int]:
    """The channels that the steps change most, by falling change."""
    change = np.abs(maps.states[-1] - maps.states[0]).mean((1, 2))
    return np.argsort(-change, kind="stable")[:count].tolist()


def rows(maps: LayerMaps) -> list[tuple[str, list[_Row]]]:
    """By colour map, rows that share a scale: (name, (C, H, W))."""
    states = [("before", maps.states[0])]
    states += [(f"after step {step}", state) for step, state in enumerate(maps.states[1:], start=1)]
    return [
        ("viridis", states),
        ("viridis", [("output", maps.output)]),
        ("RdBu_r", [("velocity, rows", maps.velocity_x), ("velocity, columns", maps.velocity_y)]),
        ("magma", [("diffusivity, rows", maps.diffusivity_x), ("diffusivity, columns", maps.diffusivity_y)]),
        ("Greys", [("|Ax| + |Ay|", maps.courant)]),
    ]


def render_layer(maps: LayerMaps, channels: int = CHANNELS) -> bytes:
    """`layer_figure` as PNG."""
    return png(layer_figure(maps, channels))


def layer_figure(maps: LayerMaps, channels: int = CHANNELS) -> Figure:
    """A column for each of the channels that change most; a line around what exceeds the stability bound."""
    chosen = most_changed(maps, channels)
    groups = rows(maps)
    count = sum(len(group) for _, group in groups)
    width = _LEFT + len(chosen) * (_TILE + _GAP) + _RIGHT
    height = _TOP + count * (_TILE + _GAP) + 0.25
    with style():
        figure = new_figure(width, height)
        figure.text(0.1 / width, 1 - 0.2 / height, maps.title[:90], va="center", fontsize=9.5)
        first = 0
        for colours, group in groups:
            low, high = _limits(colours, group)
            image: Any = None
            for down, (name, values) in enumerate(group, start=first):
                bottom = height - _TOP - (down + 1) * (_TILE + _GAP)
                figure.text(
                    (_LEFT - 0.1) / width,
                    (bottom + _TILE / 2) / height,
                    name,
                    ha="right",
                    va="center",
                    fontsize=8.5,
                )
                for axes, channel in _tiles(figure, chosen, bottom, width, height):
                    image = axes.imshow(
                        values[channel], cmap=colours, vmin=low, vmax=high, interpolation="nearest"
                    )
                    if values is maps.courant and (values[channel] > 1).any():
                        _outline(axes, values[channel] > 1)
                    if down == 0:
                        axes.set_title(f"channel {channel}", fontsize=8, pad=3)
            first += len(group)
            left = _LEFT + len(chosen) * (_TILE + _GAP) + 0.04
            base, tall = height - _TOP - first * (_TILE + _GAP), len(group) * (_TILE + _GAP) - _GAP
            bar = figure.add_axes((left / width, base / height, 0.09 / width, tall / height))
            figure.colorbar(image, cax=bar, ticks=MaxNLocator(4))
            bar.tick_params(labelsize=7, length=2)
        told = (
            "red: beyond the stability bound, |Ax| + |Ay| > 1"
            if maps.unstable_share
            else "stable everywhere: |Ax| + |Ay| is at most 1"
        )
        figure.text(
            _LEFT / width, 0.1 / height, f"{told}; each group of rows has one scale", fontsize=7.5, color=GREY
        )
        return figure


def _tiles(
    figure: Any, chosen: list[int], bottom: float, width: float, height: float
) -> Iterator[tuple[Any, int]]:
    for across, channel in enumerate(chosen):
        left = _LEFT + across * (_TILE + _GAP)
        axes = figure.add_axes((left / width, bottom / height, _TILE / width, _TILE / height))
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(color=GREY, linewidth=0.5)
        yield axes, channel


def _outline(axes: Any, mask: np.ndarray) -> None:
    """Squares around the elements of a mask (H, W)."""
    for row, column in zip(*np.nonzero(mask), strict=True):
        xs, ys = (column - 0.5, column + 0.5), (row - 0.5, row + 0.5)
        axes.plot(
            [xs[0], xs[1], xs[1], xs[0], xs[0]],
            [ys[0], ys[0], ys[1], ys[1], ys[0]],
            color="#d00000",
            linewidth=0.7,
        )


def _limits(colours: str, group: list[_Row]) -> tuple[float, float]:
    """One scale for a group: around 0 for velocities, from 0 or below for what is not negative."""
    low = min(float(values.min()) for _, values in group)
    high = max(float(values.max()) for _, values in group)
    if colours == "RdBu_r":
        reach = max(abs(low), abs(high)) or 1.0
        return -reach, reach
    return min(0.0, low), high if high > min(0.0, low) else min(0.0, low) + 1
