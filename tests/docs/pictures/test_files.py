"""The files of the documentation's pictures are of what the program draws now."""

from __future__ import annotations

import pytest
from matplotlib.image import imread

from analysis.pictures.canvas import style
from tools.docs_pictures.__main__ import FOLDER, PICTURES


@pytest.mark.parametrize("name", PICTURES)
def test_the_file_is_small_and_drawn_by_this_program(name):
    path = FOLDER / f"{name}.png"
    assert path.stat().st_size < 200_000
    with style():
        figure = PICTURES[name]()
    width, height = figure.get_size_inches() * figure.dpi
    assert imread(path).shape[:2] == (int(height), int(width))
