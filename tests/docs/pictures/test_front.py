"""The picture of a front: what is read from it."""

from __future__ import annotations

import numpy as np
import pytest

from tools.docs_pictures.front import front_reading, knee


def test_what_is_read_from_the_front():
    reading = front_reading()
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
    assert knee(points) == which
