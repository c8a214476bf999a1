"""The pictures of the documentation: what is drawn, by numbers, and that the files are of these numbers."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.image import imread

from tests.test_arrows import MAY_IMPORT
from tools import docs_pictures as pictures


@pytest.mark.parametrize("steps", pictures.REACH_STEPS)
def test_the_reach_is_the_diamond_of_so_many_steps(steps):
    seen = pictures.reach(steps) > 0
    rows, columns = np.indices(seen.shape) - pictures.SIDE // 2
    assert not seen[abs(rows) + abs(columns) > steps].any()
    assert seen[pictures.SIDE // 2, pictures.SIDE // 2 + steps]
    assert seen.sum() > steps * steps


def test_diffusion_keeps_the_sum_and_spreads():
    before, diffused, carried, _ = (effect.image for effect in pictures.effects())
    assert diffused.sum() == pytest.approx(before.sum(), rel=1e-5)
    assert diffused.std() < 0.8 * before.std()
    rows = np.arange(before.shape[0])
    assert (carried[:30].sum(1) @ rows[:30]) / carried[:30].sum() < (before.sum(1) @ rows) / before.sum()


def test_the_rooms_are_those_that_the_arrows_hold():
    assert {room.name: set(room.imports) for room in pictures.ROOMS} == MAY_IMPORT


def test_what_is_read_from_the_front():
    reading = pictures.front_reading()
    assert [x for x, _ in reading.points] == [405376, 406016, 505984, 524288]
    assert reading.knee == 1
    widths = [reading.reference - x for x, _ in reading.points]
    rises = np.diff([0.0, *(y / 100 for _, y in reading.points)])
    assert reading.share == pytest.approx(float(rises @ widths) / reading.reference)
    assert reading.error[-1] == pytest.approx(1.18, abs=0.01)
    assert len(reading.points) + len(reading.others) == 20


@pytest.mark.parametrize(
    ("points", "which"),
    [
        ([(1, 50), (2, 90), (10, 95)], 1),
        ([(1, 50), (9, 51), (10, 95)], 0),
        ([(1, 50), (2, 60)], 1),
        ([(1, 5)], 0),
    ],
)
def test_the_knee_lies_farthest_above_the_line(points, which):
    assert pictures.knee(points) == which


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_the_file_is_small_and_drawn_by_this_program(name):
    path = pictures.FOLDER / f"{name}.png"
    assert path.stat().st_size < 200_000
    with pictures.style():
        figure = pictures.PICTURES[name]()
    width, height = figure.get_size_inches() * figure.dpi
    assert imread(path).shape[:2] == (int(height), int(width))
