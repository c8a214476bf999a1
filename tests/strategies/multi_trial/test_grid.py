"""The grid is the whole space, once, in the order that is said."""

from __future__ import annotations

import itertools

import pytest

from records.errors import UserError
from search_space import Problem, get_space
from strategies.contract import SpaceExhausted
from strategies.multi_trial.grid import Grid, GridSettings

SMALL = Problem("mnist-global", {}, (1, 28, 28), 10)
ALIASED = Problem(
    "darts-global", {"width": 4, "cells": 1, "nodes": 1, "primitives": ["skip_connect"]}, (1, 8, 8), 10
)


def everything(grid):
    found = []
    for index in itertools.count():
        try:
            found.append(grid.propose(index, []))
        except SpaceExhausted as end:
            return found, str(end)
    return None


def test_it_is_the_whole_space_once():
    found, said = everything(Grid(SMALL, seed=3))
    decisions = get_space(SMALL.space).decisions(SMALL)
    size = len(list(itertools.product(*(d.options for d in decisions))))
    assert len({genotype.key() for genotype in found}) == len(found) == size
    assert said == f"no architecture of mnist-global is left: all {size} combinations were tried"


def test_the_plain_order_changes_the_last_decision_fastest():
    found, _ = everything(Grid(SMALL, 0, GridSettings(order="plain")))
    space = get_space(SMALL.space)
    decisions = space.decisions(SMALL)
    order = [tuple(space.choices(SMALL, g.architecture)[d.label] for d in decisions) for g in found]
    assert order == list(itertools.product(*(d.options for d in decisions)))


def test_what_is_one_architecture_is_tried_once():
    grid = Grid(ALIASED, 0)
    found, _ = everything(grid)
    assert grid.size == 4  # two inputs of each of two edges
    assert len({genotype.key() for genotype in found}) == len(found) == 3


def test_what_is_above_the_budget_is_passed_over():
    costs = sorted(genotype.cost().macs for genotype in everything(Grid(SMALL, 0))[0])
    found, _ = everything(Grid(SMALL, 0, max_macs=costs[40]))
    assert sorted(genotype.cost().macs for genotype in found) == costs[: len(found)]
    assert len(found) >= 41
    with pytest.raises(UserError, match="no architecture of mnist-global"):
        Grid(SMALL, 0, max_macs=costs[0] - 1).propose(0, [])


def test_an_unknown_order_is_refused():
    with pytest.raises(UserError, match="order is 'zigzag'; accepted: shuffled, plain"):
        GridSettings(order="zigzag")
