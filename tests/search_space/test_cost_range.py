"""The range of a problem's MACs against every architecture, and against random ones."""

from __future__ import annotations

import itertools

import pytest

from records.errors import UserError
from search_space import Genotype, get_space
from search_space.cost_range import cost_range
from search_space.problem import Problem
from search_space.sampling import random_genotype

SMALL = {"width": [4, 8], "cells": [2, 3], "nodes": 1, "primitives": ["skip_connect", "global_5"]}


def every_cost(problem: Problem) -> list[int]:
    decisions = get_space(problem.space).decisions(problem)
    labels = [decision.label for decision in decisions]
    return [
        Genotype.of_choices(problem, dict(zip(labels, options, strict=True))).cost().macs
        for options in itertools.product(*(decision.options for decision in decisions))
    ]


def test_where_all_are_looked_at_it_is_exact():
    problem = Problem("mnist-global", {"widths": [4, 8], "blocks": [1, 2]}, (1, 28, 28), 10)
    costs = every_cost(problem)
    found = cost_range(problem)
    assert len(costs) < 500
    assert (found.smallest.macs, found.largest.macs, found.exact) == (min(costs), max(costs), True)


@pytest.mark.parametrize(
    ("space", "settings"),
    [
        ("darts-global", SMALL),
        (
            "resnet-global",
            {"stages": 2, "widths": [4, 8], "blocks": [1, 2, 3], "layers": ["none", "global_5"]},
        ),
    ],
)
def test_one_decision_at_a_time_leads_to_the_same_as_all_of_them(space, settings, monkeypatch):
    monkeypatch.setattr("search_space.cost_range._ENUMERATED", 0)
    problem = Problem(space, settings, (1, 8, 8), 10)
    costs = every_cost(problem)
    found = cost_range(problem)
    assert (found.smallest.macs, found.largest.macs, found.exact) == (min(costs), max(costs), False)


@pytest.mark.parametrize("space", ["darts-global", "darts-network-global"])
def test_no_random_network_is_outside(space):
    problem = Problem(space, {}, (3, 32, 32), 10)
    found = cost_range(problem)
    drawn = [random_genotype(problem, seed).cost().macs for seed in range(20)]
    assert found.smallest.macs <= min(drawn) < max(drawn) <= found.largest.macs


def test_an_image_that_no_network_fits_is_told():
    with pytest.raises(UserError):
        cost_range(Problem("mobilenet-v2-global", {"start": "imagenet"}, (1, 1, 1), 10))
