"""The distribution over cells against enumeration of all of them."""

import itertools
import math
import random
from collections import Counter

import pytest
import torch

from pde_ops.cost import Cost
from strategies.budget import Budget
from strategies.supernet.distribution import CellDistribution, CostTable

PRIMITIVES = ("skip", "conv", "pde")


def make(seed=0, chosen=2, spread=2.0, edges=(2, 3, 4)):
    generator = torch.Generator().manual_seed(seed)
    costs, logits = {}, {}
    for cell in ("normal", "reduction"):
        for number, count in enumerate(edges, start=2):
            costs[cell, number] = torch.randint(0, 1000, (count, 3), generator=generator).double()
            logits[cell, number] = (spread * torch.randn(count, 4, generator=generator)).requires_grad_()
    return CellDistribution(CostTable(PRIMITIVES, chosen, 5000, costs), logits)


def enumerate_node(distribution, node):
    """Every set of pairs with different inputs, and its probability."""
    p = distribution.logits[node].detach().double().softmax(1)[:, :-1]
    sets = {}
    for inputs in itertools.combinations(range(len(p)), distribution.table.chosen):
        for kinds in itertools.product(range(p.shape[1]), repeat=len(inputs)):
            pairs = tuple(zip(inputs, kinds, strict=True))
            sets[pairs] = math.prod(float(p[j, k]) for j, k in pairs)
    total = math.fsum(sets.values())
    return {pairs: weight / total for pairs, weight in sets.items()}


@pytest.mark.parametrize("chosen", [1, 2])
def test_expected_macs_are_the_mean_over_all_cells(chosen):
    distribution = make(chosen=chosen)
    table = distribution.table
    mean = table.fixed
    for node, costs in table.nodes.items():
        for pairs, probability in enumerate_node(distribution, node).items():
            mean += probability * sum(float(costs[j, k]) for j, k in pairs)
    assert float(distribution.expected_macs().detach()) == pytest.approx(mean, rel=1e-12)


def test_included_sums_to_the_chosen_number_and_never_passes_one():
    distribution = make(seed=3, spread=6.0)
    for node in distribution.table.nodes:
        included = distribution.included(node)
        assert float(included.sum()) == pytest.approx(2)
        assert float(included.sum(1).max()) <= 1 + 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_what_is_derived_is_the_most_probable(seed):
    distribution = make(seed)
    derived = distribution.derive()
    for cell in ("normal", "reduction"):
        for offset in range(3):
            sets = enumerate_node(distribution, (cell, offset + 2))
            best = [[PRIMITIVES[k], j] for j, k in max(sets, key=sets.__getitem__)]
            assert derived[cell][offset] == best


def test_one_hot_logits_give_exactly_the_macs_of_what_is_derived():
    distribution = make(spread=0.0)
    rng = random.Random(1)
    for _ in range(20):
        logits = {}
        for node, costs in distribution.table.nodes.items():
            rows = torch.zeros(len(costs), 4)
            rows[:, 3] = 200.0
            for j in rng.sample(range(len(costs)), 2):
                rows[j] = 200.0 * torch.eye(4)[rng.randrange(3)]
            logits[node] = rows
        one_hot = CellDistribution(distribution.table, logits)
        assert float(one_hot.expected_macs()) == one_hot.table.macs(one_hot.derive())


def test_gradient_is_that_of_finite_differences():
    distribution = make(seed=2)
    table = distribution.table
    nodes = list(table.nodes)
    values = [distribution.logits[node].detach().double().requires_grad_() for node in nodes]

    def macs(*logits):
        return CellDistribution(table, dict(zip(nodes, logits, strict=True))).expected_macs()

    assert torch.autograd.gradcheck(macs, values, eps=1e-5, atol=1e-4)


def test_gradient_stays_finite_where_edges_are_ruled_out():
    distribution = make(spread=0.0)
    logits = {node: torch.full((len(c), 4), -300.0) for node, c in distribution.table.nodes.items()}
    for rows in logits.values():
        rows[:, 3] = 300.0
        rows[0, 0] = 300.0
        rows.requires_grad_()
    CellDistribution(distribution.table, logits).expected_macs().backward()
    assert all(bool(torch.isfinite(rows.grad).all()) for rows in logits.values())


def test_samples_come_with_their_probability():
    distribution = make(seed=4, edges=(3,))
    rng = random.Random(0)
    draws = 6000
    counts = Counter(str(distribution.sample(rng)["normal"][0]) for _ in range(draws))
    for pairs, probability in enumerate_node(distribution, ("normal", 2)).items():
        seen = counts[str([[PRIMITIVES[k], j] for j, k in pairs])] / draws
        assert abs(seen - probability) < 4.5 * math.sqrt(probability * (1 - probability) / draws) + 1e-9


def test_a_price_leads_to_the_cheapest_and_a_negative_one_to_the_dearest():
    distribution = make(seed=5)
    table = distribution.table
    macs = [table.macs(distribution.derive(price)) for price in (-1e3, -0.01, 0.0, 0.01, 1e3)]
    assert macs == sorted(macs, reverse=True)
    assert macs[-1] == table.smallest()
    dearest = sum(float(c.amax(1).topk(2).values.sum()) for c in table.nodes.values()) + table.fixed
    assert macs[0] == dearest


def test_entropy_and_expected_count_at_the_start():
    distribution = make(spread=0.0)
    assert distribution.entropy() == pytest.approx({"normal": math.log(4), "reduction": math.log(4)})
    # 3 nodes of 2 pairs, each of 3 primitives as likely as the others
    assert distribution.expected_count("conv") == pytest.approx({"normal": 2.0, "reduction": 2.0})


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="2 or more edges by 3 primitives"):
        CostTable(PRIMITIVES, 2, 0, {("normal", 2): torch.zeros(1, 3)})
    distribution = make()
    with pytest.raises(ValueError, match="logits are of the nodes"):
        CellDistribution(distribution.table, {})


def test_log_probability_adds_up_to_one_over_all_architectures():
    table = CostTable(("a", "b"), 2, 0.0, {("normal", 3): torch.zeros(3, 2, dtype=torch.float64)})
    distribution = CellDistribution(table, {("normal", 3): torch.randn(3, 3)})
    total = sum(
        float(distribution.log_probability({"normal": [[[one, i], [two, j]]]}).exp())
        for i, j in ((0, 1), (0, 2), (1, 2))
        for one in "ab"
        for two in "ab"
    )
    assert total == pytest.approx(1)


def test_what_is_derived_within_a_budget_is_the_most_probable_that_the_hull_has():
    costs = torch.tensor([[0.0, 10.0], [0.0, 20.0]], dtype=torch.float64)
    table = CostTable(("cheap", "dear"), 2, 5.0, {("normal", 2): costs})
    distribution = CellDistribution(table, {("normal", 2): torch.tensor([[0.0, 1.0, 0.0]] * 2)})

    def within(max_macs):
        return [name for name, _ in distribution.derive_within(Budget(max_macs))["normal"][0]]

    assert within(None) == within(35.0) == ["dear", "dear"]
    assert within(34.0) == within(15.0) == ["dear", "cheap"]  # the edge whose MACs are fewer stays dear
    assert within(14.0) == within(5.0) == ["cheap", "cheap"]


def test_what_is_drawn_with_a_budget_is_within():
    costs = torch.tensor([[0.0, 10.0], [0.0, 20.0]], dtype=torch.float64)
    table = CostTable(("cheap", "dear"), 2, 5.0, {("normal", 2): costs})
    distribution = CellDistribution(table, {("normal", 2): torch.tensor([[0.0, 9.0, 0.0]] * 2)})
    rng = random.Random(0)
    assert max(table.macs(distribution.sample(rng, Budget(15))) for _ in range(20)) <= 15.0


def two_limits():
    """On each of two edges one primitive has few MACs and many parameters, the other the reverse; a third is between."""
    macs = torch.tensor([[1.0, 30.0, 12.0]] * 2, dtype=torch.float64)
    params = torch.tensor([[40.0, 2.0, 9.0]] * 2, dtype=torch.float64)
    names = ("heavy", "slow", "middle")
    table = CostTable(names, 2, 5.0, {("normal", 2): macs}, 3.0, {("normal", 2): params})
    return table, CellDistribution(table, {("normal", 2): torch.tensor([[2.0, 1.9, 0.0, -9.0]] * 2)})


def test_parameters_are_kept_to_as_macs_are():
    table, distribution = two_limits()
    found = distribution.derive()
    assert table.cost(found) == Cost(params=83, macs=7, macs_published=0)
    assert table.cost(distribution.derive_within(Budget(max_params=83))) == table.cost(found)
    assert table.cost(distribution.derive_within(Budget(max_params=82))).params <= 82
    assert table.cost(distribution.derive_within(Budget(max_params=7))).params == 7
    both = Budget(max_macs=30, max_params=25)
    within = table.cost(distribution.derive_within(both))
    assert (within.macs, within.params) == (29, 21)  # both middle: no other pair is within both
    rng = random.Random(0)
    assert all(both.allows(table.cost(distribution.sample(rng, both))) for _ in range(20))


def test_where_nothing_is_within_the_least_above_is_derived():
    table, distribution = two_limits()
    assert table.cost(distribution.derive_within(Budget(max_params=6))).params == 7
    assert table.cost(distribution.derive_within(Budget(max_macs=6))).macs == 7


def test_where_nothing_that_is_chosen_costs_anything_the_fixed_part_decides():
    free = torch.zeros(2, 1, dtype=torch.float64)
    table = CostTable(("skip",), 2, 5.0, {("normal", 2): free}, 3.0, {("normal", 2): free})
    distribution = CellDistribution(table, {("normal", 2): torch.zeros(2, 2)})
    for budget in (Budget(max_macs=4), Budget(max_params=2), Budget(max_macs=4, max_params=2)):
        assert table.cost(distribution.derive_within(budget)) == Cost(params=3, macs=5, macs_published=0)
