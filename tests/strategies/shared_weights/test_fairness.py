"""Rounds in which every option is dealt equally often, within a budget."""

import itertools
from collections import Counter

from search_space import get_space, sample
from strategies.budget import Budget
from strategies.shared_weights.fairness import fair_networks

SPACE = get_space("tiny-global")
FIXED = {"stages": 1, "depths": [2], "squeezes": ["none"], "stem_strides": [1]}


def test_every_option_is_dealt_equally_often_in_a_round():
    problem = sample("tiny-global", 0, operators=["depthwise_3x3", "global_1", "global_3"], **FIXED).problem
    decisions = {d.label: d.options for d in SPACE.decisions(problem)}
    length = max(map(len, decisions.values()))
    networks = fair_networks(problem, "0")
    for _ in range(3):
        dealt = [SPACE.choices(problem, g.architecture) for g in itertools.islice(networks, length)]
        for label, options in decisions.items():
            counts = Counter(choices[label] for choices in dealt)
            assert set(counts) == set(options)
            assert max(counts.values()) - min(counts.values()) <= 1


def test_the_same_seed_deals_the_same():
    problem = sample("tiny-global", 0).problem
    first, again, other = (list(itertools.islice(fair_networks(problem, s), 9)) for s in ("1", "1", "2"))
    assert first == again
    assert first != other


def test_a_budget_makes_networks_smaller_and_keeps_their_operations():
    problem = sample("tiny-global", 0).problem
    free = list(itertools.islice(fair_networks(problem, "0"), 24))
    budget = Budget(max_macs=2_000_000)
    tight = list(itertools.islice(fair_networks(problem, "0", budget), 24))
    assert sum(g.cost().macs > 2_000_000 for g in free) > 12
    assert sum(g.cost().macs <= 2_000_000 for g in tight) >= 20
    name = "stage1/block1"
    assert free[0].architecture[name]["operator"] == tight[0].architecture[name]["operator"]


def test_where_the_operations_alone_are_too_dear_all_is_drawn_again():
    problem = sample(
        "tiny-global",
        0,
        operators=["depthwise_3x3", "global_block_3"],
        widths=[4, 12],
        expansions=[2, 3],
        **FIXED,
    ).problem
    budget = Budget(max_params=6_000)
    tight = list(itertools.islice(fair_networks(problem, "0", budget), 6))
    assert all(budget.allows(g.cost()) for g in tight)
    nothing = list(itertools.islice(fair_networks(problem, "0", Budget(max_macs=1)), 1))
    assert all(g.cost().macs > 1 for g in nothing)  # there is no smaller one to give
