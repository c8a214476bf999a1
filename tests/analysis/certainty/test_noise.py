"""The noise of accuracies, and ties."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.certainty.noise import Certainty, standard_error
from analysis.run import Run
from analysis.selection.confirmed import Confirmation
from tests.analysis.samples.runs import measurement


def of(*accuracies: float, images: int | None = 100, **changes) -> Certainty:
    """A run's, whose candidates 0, 1, ... have these accuracies, and 1000, 1001, ... MACs."""
    found = tuple(measurement(i, a, 1000 + i) for i, a in enumerate(accuracies))
    run = Run(Path("run"), {}, found, resolved={"validation_images": images})
    return Certainty.of(dataclasses.replace(run, **changes))


def test_the_standard_error_is_that_of_drawn_answers():
    draws = np.random.default_rng(0).binomial(287, 0.95, size=200_000) / 287
    assert standard_error(0.95, 287) == pytest.approx(draws.std(), rel=0.01)
    assert standard_error(0.5, 400) == pytest.approx(0.025)


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_no_accuracy_is_certain(accuracy):
    assert standard_error(accuracy, 100) == pytest.approx(math.sqrt(0.01 * 0.99 / 100))
    assert standard_error(accuracy, 1) == 0.5


def test_a_lead_up_to_twice_the_error_of_the_difference_is_a_tie():
    noise = 2 * math.sqrt(0.9 * 0.1 / 100 + 0.82 * 0.18 / 100)
    certainty = of(0.9, 0.82, 0.7)
    assert noise > 0.08
    best, near, far = certainty.run.ok
    (tie,) = certainty.ties(best, certainty.run.ok)
    assert tie.measurement == near
    assert (tie.lead, tie.noise) == (pytest.approx(0.08), pytest.approx(noise))
    assert certainty.tie(best, far) is None
    assert certainty.margin(best) == pytest.approx(2 * math.sqrt(0.9 * 0.1 / 100))


def test_ties_come_by_rising_macs_and_one_with_a_higher_accuracy_is_among_them():
    certainty = of(0.9, 0.91, 0.89)
    ties = certainty.ties(certainty.run.ok[2], reversed(certainty.run.ok))
    assert [(t.measurement.index, round(t.lead, 2)) for t in ties] == [(0, -0.01), (1, -0.02)]


def test_more_images_part_them():
    assert of(0.9, 0.82, images=1000).tie(*of(0.9, 0.82).run.ok) is None


def test_those_trained_again_are_compared_by_their_means():
    one, two = Confirmation((0.90, 0.92), 6), Confirmation((0.70, 0.72), 6)
    certainty = of(0.80, 0.80, 0.79, confirmed={0: one, 1: two})
    first, second, third = certainty.run.ok
    assert certainty.tie(first, second) is None  # 20 points apart
    assert certainty.tie(first, third) is not None  # by what the search measured of both
    wide = of(0.8, 0.8, confirmed={0: one, 1: Confirmation((0.60, 0.90), 6)})
    tie = wide.tie(*wide.run.ok)
    assert tie is not None
    images = 0.91 * 0.09 / 100 + 0.75 * 0.25 / 100
    assert tie.noise == pytest.approx(2 * math.sqrt(0.01**2 + 0.15**2 + images))


def test_without_the_number_of_images_only_seeds_tell():
    confirmed = {0: Confirmation((0.90, 0.92), 6), 1: Confirmation((0.89, 0.92), 6)}
    certainty = of(0.5, 0.5, 0.45, images=None, confirmed=confirmed)
    first, second, third = certainty.run.ok
    assert certainty.margin(first) is None
    assert certainty.tie(first, second).noise == pytest.approx(2 * math.hypot(0.01, 0.015))
    assert certainty.tie(first, third) is None
    assert certainty.ties(third, [first, second]) == []


def test_a_single_seed_has_no_noise_of_seeds():
    confirmed = {0: Confirmation((0.90,), 6), 1: Confirmation((0.89,), 6)}
    assert of(0.5, 0.5, images=None, confirmed=confirmed).ties(measurement(0, 0.5, 1000), []) == []
    pair = of(0.5, 0.5, images=None, confirmed=confirmed)
    assert pair.tie(*pair.run.ok) is None
