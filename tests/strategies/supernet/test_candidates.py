"""Which architectures are trained in the end."""

import itertools
import json
import math
import random

import pytest

from records.errors import UserError
from strategies.budget import Budget
from strategies.supernet.candidates import check_budget, propose, tradeoffs
from tests.strategies.supernet.test_distribution import make


def macs(distribution, architectures):
    return [distribution.table.macs(each) for each in architectures]


def test_the_final_one_is_first_and_all_differ():
    distribution = make(seed=1)
    chosen = propose(distribution, [], 12)
    assert chosen[0] == distribution.derive()
    assert len({json.dumps(each) for each in chosen}) == len(chosen) == 12


def test_earlier_ones_come_latest_first_between_those_that_spread():
    distribution = make(seed=1)
    rng = random.Random(0)
    earlier = [distribution.sample(rng) for _ in range(3)]
    final = distribution.derive()
    chosen = propose(distribution, [*earlier, final], 6)
    assert [chosen[0], chosen[1], chosen[3], chosen[5]] == [final, *reversed(earlier)]


def test_they_reach_from_the_cheapest_network_to_the_dearest():
    distribution = make(seed=2)
    smallest = distribution.table.smallest()
    dearest = distribution.table.macs(distribution.derive(-1e6))
    reached = macs(distribution, propose(distribution, [], 3))
    assert {smallest, dearest} < set(reached)
    spread = sorted(macs(distribution, propose(distribution, [], 8)))
    steps = [math.log(b / a) for a, b in itertools.pairwise(spread)]
    assert max(steps) < math.log(dearest / smallest) / 2


def test_tradeoffs_are_the_hull_of_probability_and_macs():
    distribution = make(seed=3)
    found = tradeoffs(distribution)
    assert macs(distribution, found) == sorted(macs(distribution, found))

    def log_probability(architecture):
        total = 0.0
        for (cell, number), logits in distribution.logits.items():
            p = logits.detach().double().log_softmax(1)
            for primitive, source in architecture[cell][number - 2]:
                total += float(p[source, distribution.table.primitives.index(primitive)])
        return total

    rng = random.Random(0)
    points = [(distribution.table.macs(each), log_probability(each)) for each in found]
    slack = 0.3  # nats: the prices tried are a grid
    for _ in range(300):
        drawn = distribution.sample(rng)
        x, y = distribution.table.macs(drawn), log_probability(drawn)
        left = max(point for point in points if point[0] <= x)
        right = min(point for point in points if point[0] >= x)
        share = 0.0 if right[0] == left[0] else (x - left[0]) / (right[0] - left[0])
        assert y <= left[1] + share * (right[1] - left[1]) + slack


def test_budget_keeps_the_dear_ones_out():
    distribution = make(seed=4)
    budget = 0.5 * (distribution.table.smallest() + distribution.table.macs(distribution.derive()))
    chosen = propose(distribution, [distribution.derive()], 10, budget=Budget(budget))
    assert chosen
    assert max(macs(distribution, chosen)) <= budget


def test_smallest_budget_that_can_be_met_is_met():
    distribution = make(seed=4)
    smallest = distribution.table.smallest()
    assert macs(distribution, propose(distribution, [], 5, budget=Budget(round(smallest))))[0] == smallest
    with pytest.raises(UserError, match=f"the smallest has {smallest:,.0f}: raise --max-macs"):
        propose(distribution, [], 5, budget=Budget(round(smallest) - 1))


def test_no_budget_is_no_error():
    check_budget(make(seed=0).table, Budget())


def test_the_same_seed_gives_the_same_candidates():
    distribution = make(seed=6)
    assert propose(distribution, [], 40, seed=1) == propose(distribution, [], 40, seed=1)
    assert propose(distribution, [], 40, seed=1) != propose(distribution, [], 40, seed=2)


def test_a_space_with_fewer_architectures_than_asked_for_gives_all_of_them():
    distribution = make(seed=0, edges=(2,), spread=0.3)  # 3 * 3 a cell
    assert len(propose(distribution, [], 1000)) == 81
