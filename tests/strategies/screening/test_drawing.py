"""Random architectures in bins of MACs: equal ratios, each bin filled, all within the budget."""

import pytest

from records.errors import UserError
from search_space import sample
from strategies.multi_trial.random_search import RandomSearch
from strategies.screening.drawing import bin_of, draw, limits_of

PROBLEM = sample("tiny-global", 0, image=(1, 8, 8)).problem


def test_limits_have_equal_ratios_and_leave_out_the_tails():
    macs = [1, *([100] * 30), *([1600] * 30), 10**9]
    assert limits_of(macs, 4) == pytest.approx([200, 400, 800])
    assert limits_of(macs, 1) == []
    assert limits_of([7], 3) == pytest.approx([7, 7])


def test_a_bin_begins_at_its_limit():
    assert [bin_of(macs, [10, 20]) for macs in (1, 9, 10, 19, 20, 99)] == [0, 0, 1, 1, 2, 2]


def test_each_bin_is_filled_with_different_ones():
    found, limits = draw(RandomSearch(PROBLEM, 3), 6, 4)
    assert [sum(place == bin for bin, _ in found) for place in range(4)] == [6] * 4
    assert all(bin_of(genotype.cost().macs, limits) == place for place, genotype in found)
    assert len({genotype.key() for _, genotype in found}) == len(found)
    assert (found, limits) == draw(RandomSearch(PROBLEM, 3), 6, 4)
    assert found != draw(RandomSearch(PROBLEM, 4), 6, 4)[0]


def test_all_are_within_the_budget_and_unknown():
    strategy = RandomSearch(PROBLEM, 0, max_macs=300_000)
    first, _ = draw(strategy, 3, 2)
    assert first
    assert max(genotype.cost().macs for _, genotype in first) <= 300_000
    strategy.proposed |= {genotype.key() for _, genotype in first}
    assert not {g.key() for _, g in first} & {g.key() for _, g in draw(strategy, 3, 2)[0]}


def test_a_budget_that_nothing_meets_is_said():
    with pytest.raises(UserError, match=r"at most 10 MACs was found; the smallest has [\d,]+"):
        draw(RandomSearch(PROBLEM, 0, max_macs=10), 3, 2)
