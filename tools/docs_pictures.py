"""Draws the pictures of the documentation: `python tools/docs_pictures.py [NAME ...]`, into docs/pictures.

Each picture is two functions: the record of what is drawn, which tests look at, and its drawing. All are made of this
project's own code, scikit-learn's digits and the runs in results/; equal inputs give equal files.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from analysis import front, hypervolume  # noqa: E402
from analysis.pictures.canvas import COLOURS, FAINT, GREY, INK, new_figure, save, style  # noqa: E402
from pde_ops import integrate  # noqa: E402
from records.measurement import Measurement  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
DIGITS_RUN = ROOT / "results" / "first-search" / "digits"
BLUE, ORANGE, GREEN = COLOURS[:3]


# ---- the layer at work ----
SIDE = 23  # pixels of the plane on which the reach is shown
REACH_STEPS = (1, 3, 5, 10)


def reach(steps: int, side: int = SIDE) -> np.ndarray:
    """How much one output pixel, in the middle, depends on each input pixel ``(side, side)``: the absolute gradient,
    with velocities and diffusivities of a half."""
    h = torch.zeros(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    out = integrate(h, None, 0.5, 0.5, 0.5, 0.5, steps=steps, dt=0.4, backend="eager")
    out[0, 0, side // 2, side // 2].backward()
    assert h.grad is not None
    return h.grad[0, 0].abs().numpy()


@dataclass(frozen=True)
class Effect:
    """A digit ``(40, 40)`` after the equation with these coefficients."""

    title: str
    image: np.ndarray


def effects() -> list[Effect]:
    """What each term does to a digit in twenty steps; the source is left out."""
    from sklearn.datasets import load_digits

    small = torch.tensor(load_digits().images[3])[None, None]
    digit = torch.nn.functional.interpolate(small, (32, 32), mode="bicubic").clamp(0)
    digit = torch.nn.functional.pad(digit, (4, 4, 4, 4))

    def after(v: float, d: float) -> np.ndarray:
        return integrate(digit, None, v, v, d, d, steps=20, dt=0.2, backend="eager")[0, 0].numpy()

    return [
        Effect("input", digit[0, 0].numpy()),
        Effect("diffusion alone", after(0.0, 1.5)),
        Effect("advection alone", after(1.5, 0.0)),
        Effect("both", after(1.5, 1.5)),
    ]


def draw_layer() -> Figure:
    figure = new_figure(8.6, 4.75)
    names = [f"K = {steps}" for steps in REACH_STEPS]
    figure.text(
        0.02,
        0.965,
        "What one output pixel depends on, after K steps",
        fontsize=10.5,
        fontweight="bold",
        va="top",
    )
    figure.text(
        0.02,
        0.487,
        "What each term does to a feature map, in 20 steps",
        fontsize=10.5,
        fontweight="bold",
        va="top",
    )
    for place, (steps, name) in enumerate(zip(REACH_STEPS, names, strict=True)):
        axes = _panel(figure, place, 0.535, name)
        seen = np.ma.masked_equal(reach(steps), 0)
        axes.imshow(seen, norm=LogNorm(1e-4, 1), cmap="Blues")
        middle = SIDE // 2
        axes.add_patch(
            Rectangle((middle - 1.5, middle - 1.5), 3, 3, fill=False, edgecolor=ORANGE, linewidth=1.4)
        )
    for place, effect in enumerate(effects()):
        axes = _panel(figure, place, 0.055, effect.title)
        axes.imshow(effect.image, cmap="gray_r", vmin=0, vmax=16)
    figure.text(
        0.98, 0.965, "orange: what a 3x3 convolution sees", fontsize=8.5, color=ORANGE, va="top", ha="right"
    )
    return figure


def _panel(figure: Figure, place: int, bottom: float, title: str) -> Axes:
    axes = figure.add_axes((0.02 + 0.245 * place, bottom, 0.225, 0.34))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9, color=GREY, pad=3)
    for side in axes.spines.values():
        side.set_color(FAINT)
    return axes


# ---- boxes and arrows ----
def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Axes in inches over the whole figure."""
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    return figure, axes


def _box(
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


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], *, colour: str = GREY, bend: float = 0.0,
    dashed: bool = False, gap: float = 1,
) -> None:  # fmt: skip
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=10, linewidth=1.2, color=colour, shrinkA=1, shrinkB=gap,
            connectionstyle=f"arc3,rad={bend}", linestyle="--" if dashed else "-", zorder=2,
        )
    )  # fmt: skip


# ---- the layer inside a cell ----
FIELDS = ("velocity u", "velocity v", "diffusivity Dx", "diffusivity Dy")


def draw_inside() -> Figure:
    """One edge of a cell that is a global layer, and what the layer does with the map that it gets."""
    figure, axes = _canvas(8.6, 3.9)
    axes.text(
        0.15, 3.68, "An edge of a cell is a global layer", fontsize=10.5, fontweight="bold", va="center"
    )
    _box(axes, (0.75, 3.05), (1.2, 0.4), "cell before last", font=8)
    _box(axes, (0.95, 2.1), (0.8, 0.4), "last cell", font=8)
    _box(axes, (0.75, 0.75), (1.2, 0.4), "node", font=8)
    _arrow(axes, (0.35, 2.85), (0.35, 0.96))
    axes.text(0.22, 1.9, "sep_conv_3x3", fontsize=8, color=GREY, va="center", ha="center", rotation=90)
    _arrow(axes, (0.95, 1.9), (0.95, 0.96), colour=ORANGE)
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
    _box(axes, (2.45, 1.9), (0.86, 0.62), "input f\n(N, C, H, W)", font=7.5)
    heights = (2.85, 2.22, 1.58, 0.95)
    for y, name in zip(heights, FIELDS, strict=True):
        _box(axes, (4.15, y), (1.7, 0.44), f"{name} =\nReLU(norm(conv 3x3))", font=7.2)
        _arrow(axes, (2.89, 1.9), (3.29, y))
        _arrow(axes, (5.01, y), (5.52, 1.9))
    _box(
        axes, (6.3, 1.9), (1.54, 1.15), "K steps of\ndH/dt = div(D grad H)\n+ div(v H) + f\nfrom H = f",
        colour=ORANGE, strong=True, font=8,
    )  # fmt: skip
    axes.plot([2.45, 2.45, 6.3], [1.58, 0.42, 0.42], color=BLUE, linewidth=1.2, zorder=2)
    _arrow(axes, (6.3, 0.42), (6.3, 1.32), colour=BLUE)
    axes.text(
        4.35,
        0.53,
        "the source, and the state at the start",
        fontsize=7.5,
        color=BLUE,
        ha="center",
        va="center",
    )
    _box(axes, (7.85, 1.9), (0.98, 0.62), "ReLU(norm(H))\n(N, C, H, W)", font=7.5)
    _arrow(axes, (7.08, 1.9), (7.35, 1.9), colour=ORANGE)
    return figure


# ---- the scheme ----
def draw_scheme() -> Figure:
    """Which values one step reads: three levels of time, five points."""
    figure, axes = _canvas(5.2, 2.6)
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
        _arrow(
            axes,
            (x, levels[level]),
            (columns[1], levels["next"]),
            bend=0.35 if level == "previous" else 0.0,
            gap=8,
        )
    _arrow(axes, (columns[1], levels["now"]), (columns[1], levels["next"]), gap=8)
    for x, text in zip(columns, ("i - dx", "i", "i + dx"), strict=True):
        axes.text(x, 0.2, text, ha="center", va="center", fontsize=8.5, color=GREY)
    axes.text(4.32, 1.35, "and j - dy,\nj + dy", fontsize=8.5, color=GREY, va="center")
    axes.text(2.95, 2.25, "made in one step", fontsize=8.5, color=ORANGE, va="center")
    return figure


# ---- the rooms ----
@dataclass(frozen=True)
class Room:
    """A folder of the project: what it does, and the rooms it may import."""

    name: str
    what: str
    imports: tuple[str, ...]


DOORS = "run_search.py, pde_nas.py: the front doors"
ROOMS = (
    Room(
        "execution", "one search as it runs",
        ("strategies", "training", "search_space", "pde_ops", "records"),
    ),
    Room(
        "strategies", "how to explore", ("training", "search_space", "pde_ops", "records")
    ),
    Room("training", "how one architecture is judged", ("search_space", "pde_ops", "records")),
    Room("search_space", "what can be explored: genotypes", ("pde_ops", "records")),
    Room("pde_ops", "the global layer", ("records",)),
    Room("analysis", "what came out", ("search_space", "records")),
    Room("records", "settings, measurements, run folders; no torch", ()),
)  # fmt: skip


def draw_rooms() -> Figure:
    """The rooms, one above the other, and beside them the way of a genotype and of a feature map."""
    figure, axes = _canvas(8.6, 5.75)
    axes.text(0.15, 5.55, "Rooms: imports go down only", fontsize=10.5, fontweight="bold", va="center")
    full, narrow, middle, top, step = 4.1, 2.5, 2.2, 4.2, 0.75
    by_name = {room.name: room for room in ROOMS}
    height = {
        room.name: top - step * row for row, room in enumerate(r for r in ROOMS if r.name != "analysis")
    }
    left = middle - (full - narrow) / 2
    door = top + step - 0.05
    _box(axes, (middle, door), (full, 0.44), DOORS)
    for x in (left, middle + full / 2 - 0.72):
        _arrow(axes, (x, door - 0.22), (x, top + 0.28))
    for name in ("execution", "strategies", "training"):
        _room(axes, (left, height[name]), narrow, by_name[name])
        _arrow(axes, (left, height[name] - 0.28), (left, height[name] - step + 0.28))
    for name in ("search_space", "pde_ops", "records"):
        _room(axes, (middle, height[name]), full, by_name[name])
    for name in ("search_space", "pde_ops"):
        _arrow(axes, (middle, height[name] - 0.28), (middle, height[name] - step + 0.28))
    right = middle + full / 2 - 0.72
    _room(axes, (right, height["execution"]), 1.44, by_name["analysis"])
    _arrow(axes, (right, height["execution"] - 0.28), (right, height["search_space"] + 0.28))

    x = 6.75
    axes.text(4.75, 5.55, "The way of a genotype", fontsize=10.5, fontweight="bold", va="center")
    stops = (
        ("strategies", "a strategy proposes a genotype"),
        ("execution", "the session starts a trial"),
        ("training", "the trial builds and trains it"),
        ("records", "a line of candidates.jsonl"),
        ("analysis", "the front; then export"),
    )
    heights = [5.07 - 0.64 * row for row in range(len(stops))]
    for (room, text), y in zip(stops, heights, strict=True):
        _box(axes, (x, y), (3.4, 0.44), f"{text}   [{room}]", font=8, colour=BLUE)
    for upper, lower in itertools.pairwise(heights):
        _arrow(axes, (x, upper - 0.22), (x, lower + 0.22), colour=BLUE)
    axes.add_patch(
        FancyArrowPatch(
            (x + 1.7, heights[3]), (x + 1.7, heights[0]), arrowstyle="-|>", mutation_scale=10, linewidth=1.2,
            color=BLUE, linestyle="--", connectionstyle="bar,fraction=0.05", zorder=2,
        )
    )  # fmt: skip
    axes.text(4.75, 1.9, "The way of a feature map", fontsize=10.5, fontweight="bold", va="center")
    maps = (
        ("training", "a batch of images, normalised"),
        ("search_space", "stem, cells, classifier"),
        ("pde_ops", "a global layer: K steps of the PDE"),
    )
    for row, (room, text) in enumerate(maps):
        y = 1.45 - 0.48 * row
        _box(axes, (x, y), (3.4, 0.34), f"{text}   [{room}]", font=8, colour=ORANGE)
        if row:
            _arrow(axes, (x, y + 0.28), (x, y + 0.17), colour=ORANGE)
    return figure


def _room(axes: Axes, centre: tuple[float, float], width: float, room: Room) -> None:
    _box(axes, centre, (width, 0.56), "")
    axes.text(
        centre[0],
        centre[1] + 0.1,
        f"{room.name}/",
        ha="center",
        va="center",
        fontsize=9,
        fontweight="bold",
        zorder=4,
    )
    axes.text(
        centre[0], centre[1] - 0.11, room.what, ha="center", va="center", fontsize=7.5, color=GREY, zorder=4
    )


# ---- how a front is read ----
@dataclass(frozen=True)
class FrontReading:
    """The front of a run with what is read from it. Points are (MACs, accuracy in percent)."""

    points: tuple[tuple[int, float], ...]
    others: tuple[tuple[int, float], ...]
    error: tuple[float, ...]  # one standard error of each point of the front, percentage points
    knee: int  # which point of the front
    reference: float  # MACs
    share: float  # hypervolume, of the rectangle


def knee(points: Sequence[tuple[float, float]]) -> int:
    """Which of the points (MACs, accuracy) by rising MACs lies farthest above the line from the first to the last, both
    axes scaled to [0, 1]; with less than three points the last."""
    if len(points) < 3:
        return len(points) - 1
    (x0, y0), (x1, y1) = points[0], points[-1]
    above = [(y - y0) / (y1 - y0) - (x - x0) / (x1 - x0) for x, y in points]
    return max(range(len(points)), key=above.__getitem__)


def front_reading(run: Path = DIGITS_RUN, images: int = 287) -> FrontReading:
    """Of the search in ``run``, whose candidates were judged on so many images."""
    lines = (run / "candidates.jsonl").read_text(encoding="utf-8").splitlines()
    measured = [m for m in map(Measurement.from_json, map(json.loads, lines)) if m.accuracy is not None]
    kept = front(measured)
    points = tuple((m.macs, 100 * (m.accuracy or 0.0)) for m in kept)
    others = tuple((m.macs, 100 * (m.accuracy or 0.0)) for m in measured if m not in kept)
    error = tuple(100 * math.sqrt(y / 100 * (1 - y / 100) / images) for _, y in points)
    reference = 1.1 * max(m.macs for m in measured)
    area = hypervolume([(y / 100, x) for x, y in points], (0.0, reference)) / reference
    return FrontReading(points, others, error, knee(points), reference, area)


def draw_front() -> Figure:
    reading = front_reading()
    figure = new_figure(7.4, 4.4)
    axes = figure.add_axes((0.1, 0.13, 0.87, 0.82))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    low = 84.0
    xs = [x / 1e3 for x, _ in reading.points] + [reading.reference / 1e3]
    ys = [y for _, y in reading.points]
    axes.fill_between(xs, [*ys, ys[-1]], low, step="post", color=BLUE, alpha=0.09, linewidth=0)
    axes.step(xs, [*ys, ys[-1]], where="post", color=BLUE, linewidth=1.6)
    axes.plot([x / 1e3 for x, _ in reading.others], [y for _, y in reading.others], "o", color="white",
              markeredgecolor=GREY, markersize=5)  # fmt: skip
    axes.errorbar(
        xs[:-1],
        ys,
        yerr=reading.error,
        fmt="o",
        color=BLUE,
        ecolor=ORANGE,
        elinewidth=1.3,
        capsize=3,
        markersize=6,
    )
    x, y = reading.points[reading.knee]
    axes.annotate(
        "knee: from here on\naccuracy costs more", (x / 1e3, y), (x / 1e3 + 12, y + 2.6), fontsize=8.5, color=INK, va="center",
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "shrinkB": 7},
    )  # fmt: skip
    axes.text(
        445, 85.6, f"hypervolume: the area under\nthe front, {100 * reading.share:.1f}% of the rectangle\nup to 100% and {reading.reference / 1e3:.0f}k MACs",
        fontsize=8.5, color=BLUE, va="center",
    )  # fmt: skip
    axes.annotate(
        "one standard error,\n287 images judge a candidate", (xs[2], ys[2] + reading.error[2]), (428, 96.9), fontsize=8.5, color=ORANGE,
        va="center", arrowprops={"arrowstyle": "-|>", "color": ORANGE, "linewidth": 0.9},
    )  # fmt: skip
    axes.set_xlim(390, reading.reference / 1e3)
    axes.set_ylim(low, 98)
    axes.set_xlabel("multiply-accumulates for one image (thousand MACs)   ← better")
    axes.set_ylabel("validation accuracy (%)   better →")
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "layer": draw_layer,
    "inside": draw_inside,
    "scheme": draw_scheme,
    "rooms": draw_rooms,
    "front": draw_front,
}


def main(names: Sequence[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or PICTURES:
        with style():
            print(save(PICTURES[name](), FOLDER / f"{name}.png").relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
