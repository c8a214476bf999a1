"""The program: draws the pictures that are named, or all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from analysis.pictures.canvas import save, style
from tools.docs_pictures.front import draw_front
from tools.docs_pictures.inside import draw_inside
from tools.docs_pictures.inspected import draw_inspected
from tools.docs_pictures.layer import draw_layer
from tools.docs_pictures.rooms import draw_rooms
from tools.docs_pictures.scheme import draw_scheme

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
PICTURES: dict[str, Callable[[], Figure]] = {
    "layer": draw_layer,
    "inside": draw_inside,
    "inspected": draw_inspected,
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
