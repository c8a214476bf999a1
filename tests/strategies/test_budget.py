"""What a budget allows, and what is said where nothing is within."""

from __future__ import annotations

import pytest

from pde_ops.cost import Cost
from strategies.budget import Budget

COST = Cost(params=300, macs=2_000, macs_published=1)


@pytest.mark.parametrize(
    ("budget", "excess"),
    [
        (Budget(), 0.0),
        (Budget(max_macs=2_000), 1.0),
        (Budget(max_macs=1_000), 2.0),
        (Budget(max_params=100), 3.0),
        (Budget(4_000, 200), 1.5),
    ],
)
def test_the_excess_is_the_largest_share_of_a_limit(budget, excess):
    assert budget.excess(COST) == excess
    assert budget.allows(COST) == (excess <= 1)


def test_each_limit_is_named():
    both = str(Budget(1_000, 100).error("darts-global", COST))
    assert both.startswith(
        "no architecture of darts-global with at most 1,000 MACs and 100 params was found; the smallest has 2,000 "
        "MACs and 300 params: raise --max-macs or --max-params, or lower"
    )
    assert "with at most 100 params was found; the smallest has 300: raise --max-params, or" in str(
        Budget(max_params=100).error("darts-global", COST)
    )
