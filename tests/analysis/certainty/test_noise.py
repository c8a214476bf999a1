"""The noise of accuracies, and ties."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

from analysis.certainty.noise import Certainty, standard_error
from analysis.certainty.student import student_quantile
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
    assert tie.by_seeds
    assert tie.noise_of == "seeds and images"
    # Of two values each, deviations of 1 and 15 points: 1.0089 degrees of freedom.
    welch = ttest_ind((0.90, 0.92), (0.60, 0.90), equal_var=False).confidence_interval()
    seeds = (welch.high - welch.low) / 2
    assert seeds > 12 * math.hypot(0.01, 0.15)
    assert tie.noise == pytest.approx(math.hypot(seeds, 2 * math.sqrt(images)))


def test_one_rule_says_whose_lead_is_doubtful_and_who_ties():
    best, rival = Confirmation((0.89, 0.91, 0.93), 6), Confirmation((0.88, 0.9, 0.92), 6)
    certainty = of(0.8, 0.9, confirmed={0: rival, 1: best}, images=1000)
    small, large = certainty.run.ok
    # Four degrees of freedom: t is 2.776. Deviations are 2 points; the images' errors 0.95 and 0.90 points.
    seeds, images = 2.7764 * 0.02 * math.sqrt(2 / 3), 2 * math.sqrt((0.9 * 0.1 + 0.91 * 0.09) / 1000)
    noise = math.hypot(seeds, images)
    (tie,) = certainty.ties(large, certainty.run.ok)
    assert tie.noise == pytest.approx(noise, rel=1e-4)
    assert certainty.doubt(large) == (
        "candidate 1's lead over candidate 0 (90.00% by other seeds, 1.00k MACs) is within the noise of seeds and images "
        f"({100 * noise:.2f} points): that one may be as good, with 0% fewer MACs"
    )
    assert certainty.doubt(small) is None  # it has the fewest MACs, and leads nobody
    assert "the noise of seeds (4.53 points)" in of(
        0.8, 0.9, confirmed=certainty.run.confirmed, images=None
    ).doubt(large)
    far = {0: Confirmation((0.5, 0.52, 0.54), 6), 1: best}
    assert of(0.8, 0.9, confirmed=far).doubt(large) is None
    assert of(0.5, 0.9, confirmed={1: best}).doubt(large) is None
    alone = of(0.9, 0.9, confirmed={1: best}).doubt(
        large
    )  # the other was trained once, and ties in the report, too
    assert alone.startswith(
        "candidate 1 is no more accurate than candidate 0 (90.00%, measured once, 1.00k MACs): that one may"
    )


def test_the_lead_over_a_larger_one_may_be_noise_too():
    best, rival = Confirmation((0.89, 0.91, 0.93), 6), Confirmation((0.88, 0.9, 0.92), 6)
    certainty = of(0.8, 0.9, confirmed={0: best, 1: rival}, images=1000)
    small, large = certainty.run.ok
    assert certainty.doubt(small).endswith("points): that one may be as good")
    assert "over candidate 1 (90.00% by other seeds, " in certainty.doubt(small)
    assert "with 0% fewer MACs" in certainty.doubt(large)


def test_of_candidates_trained_once_the_noise_of_images_tells():
    certainty = of(0.8, 0.9, 0.905)
    small, _middle, large = certainty.run.ok
    noise = 200 * math.sqrt((0.9 * 0.1 + 0.905 * 0.095) / 100)
    assert certainty.doubt(large) == (
        "candidate 2 was trained once, and its lead over candidate 1 (90.00%, 1.00k MACs) is within the noise of images "
        f"({noise:.2f} points): that one may be as good, with 0% fewer MACs"
    )
    assert certainty.doubt(small) is None
    assert of(0.3, 0.9).doubt(measurement(1, 0.9, 1001)) is None
    assert of(0.9, 0.9, images=None).doubt(large) is None  # nothing is known


def test_one_that_leads_by_nothing_is_not_said_to_lead():
    certainty = of(0.9, 0.9)
    assert certainty.doubt(certainty.run.ok[1]) == (
        "candidate 1 was trained once, and is no more accurate than candidate 0 (90.00%, 1.00k MACs): that one may be "
        "as good, with 0% fewer MACs"
    )


def test_without_the_number_of_images_only_seeds_tell():
    confirmed = {0: Confirmation((0.90, 0.92), 6), 1: Confirmation((0.89, 0.92), 6)}
    certainty = of(0.5, 0.5, 0.45, images=None, confirmed=confirmed)
    first, second, third = certainty.run.ok
    assert certainty.margin(first) is None
    assert certainty.tie(first, second).noise == pytest.approx(
        student_quantile(1 / (16 / 169 * 1 + 81 / 169)) * math.hypot(0.01, 0.015)
    )
    assert certainty.tie(first, third) is None
    assert certainty.ties(third, [first, second]) == []


def test_a_single_seed_has_no_noise_of_seeds():
    confirmed = {0: Confirmation((0.90,), 6), 1: Confirmation((0.89,), 6)}
    assert of(0.5, 0.5, images=None, confirmed=confirmed).ties(measurement(0, 0.5, 1000), []) == []
    pair = of(0.5, 0.5, images=None, confirmed=confirmed)
    assert pair.tie(*pair.run.ok) is None
