"""The rooms of the project, and the ways of a genotype and of a feature map through them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from analysis.pictures.canvas import GREY
from tools.docs_pictures.boxes import BLUE, ORANGE, arrow, box, canvas


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
    figure, axes = canvas(8.6, 5.75)
    axes.text(0.15, 5.55, "Rooms: imports go down only", fontsize=10.5, fontweight="bold", va="center")
    full, narrow, middle, top, step = 4.1, 2.5, 2.2, 4.2, 0.75
    by_name = {room.name: room for room in ROOMS}
    height = {
        room.name: top - step * row for row, room in enumerate(r for r in ROOMS if r.name != "analysis")
    }
    left = middle - (full - narrow) / 2
    door = top + step - 0.05
    box(axes, (middle, door), (full, 0.44), DOORS)
    for x in (left, middle + full / 2 - 0.72):
        arrow(axes, (x, door - 0.22), (x, top + 0.28))
    for name in ("execution", "strategies", "training"):
        _room(axes, (left, height[name]), narrow, by_name[name])
        arrow(axes, (left, height[name] - 0.28), (left, height[name] - step + 0.28))
    for name in ("search_space", "pde_ops", "records"):
        _room(axes, (middle, height[name]), full, by_name[name])
    for name in ("search_space", "pde_ops"):
        arrow(axes, (middle, height[name] - 0.28), (middle, height[name] - step + 0.28))
    right = middle + full / 2 - 0.72
    _room(axes, (right, height["execution"]), 1.44, by_name["analysis"])
    arrow(axes, (right, height["execution"] - 0.28), (right, height["search_space"] + 0.28))

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
        box(axes, (x, y), (3.4, 0.44), f"{text}   [{room}]", font=8, colour=BLUE)
    for upper, lower in itertools.pairwise(heights):
        arrow(axes, (x, upper - 0.22), (x, lower + 0.22), colour=BLUE)
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
        box(axes, (x, y), (3.4, 0.34), f"{text}   [{room}]", font=8, colour=ORANGE)
        if row:
            arrow(axes, (x, y + 0.28), (x, y + 0.17), colour=ORANGE)
    return figure


def _room(axes: Axes, centre: tuple[float, float], width: float, room: Room) -> None:
    box(axes, centre, (width, 0.56), "")
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
