import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.hypervolume import hypervolume, reference_macs
from tests.analysis.samples.runs import FIVE


def test_closed_forms():
    assert hypervolume([], (0, 10)) == 0
    assert hypervolume([(0.5, 4)], (0, 10)) == pytest.approx(0.5 * 6)
    assert hypervolume([(0.5, 4), (1.0, 8)], (0, 10)) == pytest.approx(0.5 * 6 + 0.5 * 2)
    assert hypervolume([(0.5, 12), (-1, 2)], (0, 10)) == 0
    # A staircase of n steps towards the corner (1, 0): the sum of its columns.
    n = 50
    stairs = [(k / n, k / n) for k in range(1, n + 1)]
    assert hypervolume(stairs, (0, 1)) == pytest.approx(sum(k for k in range(n)) / n**2)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=15))
def test_equals_counting_unit_squares(points):
    limit = 20
    squares = sum(
        any(a >= row + 1 and m <= column for a, m in points) for row in range(20) for column in range(limit)
    )
    assert hypervolume(points, (0, limit)) == pytest.approx(squares)


def test_the_order_and_dominated_points_do_not_matter():
    rng = random.Random(0)
    points = [(rng.random(), rng.random()) for _ in range(40)]
    total = hypervolume(points, (0, 1))
    rng.shuffle(points)
    assert hypervolume([*points, (0.0, 0.99)], (0, 1)) == pytest.approx(total)


def test_the_reference_lies_beyond_all_that_was_measured():
    assert reference_macs(FIVE) == pytest.approx(9900)
