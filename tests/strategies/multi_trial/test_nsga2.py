"""NSGA-II finds better fronts than chance on a known table, and selects as its paper says."""

from __future__ import annotations

import dataclasses
import random
import statistics

import pytest

from analysis.hypervolume import hypervolume
from records.errors import UserError
from search_space import Problem, get_space
from search_space.sampling import random_genotype
from strategies.multi_trial.nsga2 import Nsga2, Nsga2Settings
from strategies.multi_trial.random_search import RandomSearch
from tests.strategies.table import PROBLEM, play, result


def area(results, limit=400_000):
    return hypervolume([(m.accuracy, m.macs) for m in results], (0.0, limit)) / limit


def test_its_front_dominates_more_than_that_of_chance():
    areas = {
        kind: [area(play(kind(PROBLEM, seed), 96)) for seed in range(10)] for kind in (RandomSearch, Nsga2)
    }
    assert statistics.mean(areas[Nsga2]) > 1.15 * statistics.mean(areas[RandomSearch])


def test_the_first_candidates_are_spread_over_the_sizes_of_the_space_from_its_ends_on():
    sizes = {"width": [2, 4, 8, 16], "cells": [2, 3, 5]}  # of a search on digits
    problem = get_space("darts-global").completed(Problem("darts-global", sizes, (1, 8, 8), 10))
    for seed in range(3):
        strategy = Nsga2(problem, seed)
        macs = [strategy.propose(index, []).cost().macs for index in range(8)]
        assert (macs[0], macs[1]) == (min(macs), max(macs))
        assert macs[1] > 15 * macs[0]
        assert macs[2:] != sorted(macs[2:])


def test_its_parents_are_the_best_ranks_of_generation_after_generation():
    strategy = Nsga2(PROBLEM, 0, Nsga2Settings(population=2))
    made = [random_genotype(PROBLEM, seed) for seed in range(4)]
    costs = (10, 30, 20, 5)
    results = [
        dataclasses.replace(result(i, genotype, accuracy), macs=macs)
        for i, (genotype, accuracy, macs) in enumerate(zip(made, (0.5, 0.9, 0.4, 0.6), costs, strict=True))
    ]
    assert strategy.parents(results[:1]) == []
    first = strategy.parents(results[:2])
    assert [(each.measurement.index, each.rank) for each in first] == [(0, 0), (1, 0)]
    # The last one beats 0 in both and 2 in both; 1 is the most accurate.
    assert {each.measurement.index for each in strategy.parents(results)} == {1, 3}
    assert strategy.parents(results[:3]) == first  # a generation that is not over


def test_parents_are_the_same_whenever_they_are_asked_for():
    results = play(RandomSearch(PROBLEM, 3), 40)
    asked_often, asked_once = Nsga2(PROBLEM, 0), Nsga2(PROBLEM, 0)
    for count in range(41):
        last = asked_often.parents(results[:count])
    assert asked_once.parents(results) == last


def test_candidates_without_a_value_are_never_parents():
    strategy = Nsga2(PROBLEM, 0, Nsga2Settings(population=4, objectives="accuracy,latency"))
    results = [result(i, random_genotype(PROBLEM, i), 0.5) for i in range(4)]
    results[2] = dataclasses.replace(results[2], latency=3.0)
    assert [each.measurement.index for each in strategy.parents(results)] == [2]
    assert strategy.parents([result(i, random_genotype(PROBLEM, i), None) for i in range(4)]) == []
    strategy.draw(random.Random(0), [result(0, random_genotype(PROBLEM, 0), None)] * 4)


@pytest.mark.parametrize("name", ["macs", "params"])
def test_an_objective_leads_to_what_it_asks_for(name):
    settings = Nsga2Settings(objectives="macs,params", population=6)
    players = Nsga2(PROBLEM, 0, settings), RandomSearch(PROBLEM, 0)
    last, chance = (play(player, 60)[-15:] for player in players)
    mean, by_chance = (statistics.mean(getattr(m, name) for m in found) for found in (last, chance))
    assert mean < 0.9 * by_chance


def test_it_asks_for_latency_where_that_is_an_objective():
    assert Nsga2.measures_latency(Nsga2Settings(objectives="accuracy, latency"))
    assert not Nsga2.measures_latency(Nsga2Settings())


@pytest.mark.parametrize("objectives", ["accuracy", "accuracy,accuracy", "accuracy,joy", ""])
def test_objectives_are_two_or_more_that_are_known(objectives):
    with pytest.raises(UserError, match="objectives is .*; accepted: "):
        Nsga2Settings(objectives=objectives)
