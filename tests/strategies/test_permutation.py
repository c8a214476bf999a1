"""A permutation is one, whatever its length, and looks shuffled."""

from __future__ import annotations

import pytest

from strategies.permutation import Permutation


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 255, 1000])
def test_each_number_stands_there_once(size):
    order = Permutation(size, seed=1)
    assert sorted(order[place] for place in range(size)) == list(range(size))


def test_the_seed_decides_it():
    one, same, other = ([Permutation(1000, seed)[i] for i in range(1000)] for seed in (1, 1, 2))
    assert one == same
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 20
    assert sum(a == b for a, b in enumerate(one)) < 20


@pytest.mark.parametrize("place", [-1, 7])
def test_there_is_nothing_beyond_its_ends(place):
    with pytest.raises(IndexError):
        _ = Permutation(7, 0)[place]


def test_a_range_that_nobody_could_write_down_is_spread_over_all_of_it():
    size = 13**32
    order = Permutation(size, seed=0)
    drawn = [order[place] for place in range(400)]
    assert len(set(drawn)) == 400
    tenths = [sum(i * size // 10 <= each < (i + 1) * size // 10 for each in drawn) for i in range(10)]
    assert min(tenths) > 15  # 40 each if it were uniform
