"""What the network lacks that a strategy hands out after so many trainings."""

import math

import pytest

from benchmarks.studies import replays_best
from benchmarks.studies.architecture_table import EPOCHS, Table, architectures
from benchmarks.studies.replays import exact
from benchmarks.studies.replays_best import TRAININGS, lacking, with_interval


@pytest.fixture(scope="module")
def table():
    """Accuracy grows with the logarithm of the MACs; seed 1 of the table has all the same, so that chance chooses."""
    accuracies = {}
    for genotype in architectures():
        best = 0.1 * math.log10(genotype.cost().macs)
        true = tuple(best * epoch / EPOCHS for epoch in range(1, EPOCHS + 1))
        accuracies[genotype.key()] = {0: true, 1: (0.5,) * EPOCHS}
    return Table(accuracies, {genotype.key(): genotype for genotype in architectures()})


def test_one_that_looks_at_all_lacks_nothing_where_trainings_are_true(table, monkeypatch):
    monkeypatch.setattr(replays_best, "TRAININGS", (1, 256))
    first, last = lacking(table, "random", 0, None)
    assert first > last == 0.0
    assert (
        lacking(table, "random", 1, None)[0] == lacking(table, "random", 1, None)[1]
    )  # the first one is kept


def test_before_a_whole_training_all_is_lacking(table, monkeypatch):
    monkeypatch.setattr(replays_best, "TRAININGS", (1 / EPOCHS,))
    best = max(m.accuracy for m in exact(table))
    assert lacking(table, "asha", 0, None) == [best]


def test_within_a_budget_it_is_the_best_there_that_counts(table):
    macs = sorted(m.macs for m in exact(table))
    found = lacking(table, "asha --objectives accuracy", 0, macs[100])
    assert len(found) == len(TRAININGS)
    assert all(0 <= each < 0.05 for each in found)


def test_means_stand_with_their_interval():
    assert with_interval([0.01, 0.02, 0.03]) == "2.00 ± 2.48"
