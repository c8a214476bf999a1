"""What a ranking on shared weights is worth on a table whose truth is known."""

import dataclasses
import math

import pytest

from benchmarks.studies.architecture_table import EPOCHS, Table, architectures
from benchmarks.studies.replays import exact
from benchmarks.studies.supernet_table import BINS, MOST, by_ratio, shares, tau, tau_within_bins


@pytest.fixture(scope="module")
def table():
    accuracies = {}
    for number, genotype in enumerate(architectures()):
        best = 0.1 * math.log10(genotype.cost().macs) + 0.01 * (number % 7)
        accuracies[genotype.key()] = {0: (best,) * EPOCHS}
    return Table(accuracies, {genotype.key(): genotype for genotype in architectures()})


def test_a_perfect_ranking_finds_the_front_in_its_order(table):
    found = shares(table, exact(table))
    assert len(found) == MOST
    assert found == sorted(found)
    assert found[-1] > 0.97 > found[0]


def test_a_reversed_ranking_finds_less(table):
    worst = [dataclasses.replace(m, accuracy=1 - (m.accuracy or 0.0)) for m in exact(table)]
    assert shares(table, worst)[-1] < shares(table, exact(table))[3]


def test_ratios_are_held_against_each_other(table):
    favours_small = [(m.accuracy or 0.0) - 0.3 * math.log10(m.macs) for m in exact(table)]
    lines = by_ratio(table, [favours_small]).splitlines()
    assert len(lines) == 2 + 5
    assert lines[3].startswith("| 1.25 |")
    last = {line.split(" | ")[0]: float(line.split(" | ")[3]) for line in lines[2:]}
    assert last["| 1.25"] > last["| no bands"] + 0.02


def test_macs_alone_rank_all_and_say_nothing_within_bins(table):
    best = exact(table)
    means = [m.accuracy or 0.0 for m in best]
    by_macs = [dataclasses.replace(m, accuracy=math.log10(m.macs) / 10) for m in best]
    whole = tau([(m.accuracy or 0.0, mean) for m, mean in zip(by_macs, means, strict=True)])
    assert whole > tau_within_bins(by_macs, means) + 0.2
    assert tau_within_bins(best, means) == 1.0
    assert len(best) % BINS, "bins of unequal numbers are tried, too"
