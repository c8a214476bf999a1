"""On how many images a run was judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import read_run
from analysis.certainty.images import ValidationImages, common_denominator, validation_images
from analysis.run import Run
from tests.analysis.samples.runs import FIVE


def test_what_the_run_says_stands_above_what_its_accuracies_tell():
    assert validation_images(Run(Path("run"), {}, tuple(FIVE), resolved={"validation_images": 287})) == (
        ValidationImages(287)
    )


def test_an_older_run_is_told_by_its_accuracies():
    run = read_run("results/first-search/digits")  # a fifth of 1,437 images
    assert run.resolved == {}
    assert validation_images(run) == ValidationImages(287, derived=True)


@pytest.mark.parametrize(
    ("shares", "images"),
    [
        ([3 / 7, 6 / 7], 7),
        ([1 / 6, 1 / 10, 0.0, 1.0], 30),
        ([123 / 4999, 1 / 4999], 4999),
        ([0.9582, 0.25], None),  # may have been rounded
        ([0.5, 1.0], None),
        ([1 / 2999, 1 / 3001], None),  # no run has so many
        ([0.123456789012345], None),
        ([], None),
    ],
)
def test_the_denominator_is_told_where_it_is_no_accident(shares, images):
    assert common_denominator(shares) == images


@pytest.mark.parametrize("said", [None, 0, "287", True])
def test_what_is_no_number_of_images_is_not_believed(said):
    assert validation_images(Run(Path("run"), {}, tuple(FIVE), resolved={"validation_images": said})) is None
