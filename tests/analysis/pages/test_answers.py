"""What a report says first."""

from __future__ import annotations

from pathlib import Path

from analysis import read_run
from analysis.certainty.noise import Certainty
from analysis.pages.answers import answer, answer_html, noise_sentence, tie_sentence
from analysis.run import Run
from analysis.selection.confirmed import Confirmation
from tests.analysis.pages.test_page import tables
from tests.analysis.samples.runs import FIVE, measurement


def of(*measurements, images: int | None = 100, **changes) -> Certainty:
    resolved = {"validation_images": images}
    return Certainty.of(Run(Path("run"), {}, measurements, resolved=resolved, **changes))


def test_the_noise_of_the_best_is_said():
    certainty = of(*FIVE)
    assert noise_sentence(certainty, FIVE[4]) == (
        "Accuracies are those of 100 validation images: candidate 4's of 80.00% is known to ± 8.0 points, twice its "
        "standard error."
    )
    assert "cannot be known from this run" in noise_sentence(of(*FIVE, images=None), FIVE[4])


def test_a_number_of_images_that_was_derived_is_said_to_be():
    run = read_run("results/first-search/digits")
    said = noise_sentence(Certainty.of(run), None)
    assert (
        said
        == "Accuracies are those of 287 validation images (derived from the accuracies: the run does not say it)."
    )


def test_a_best_within_the_noise_of_others_is_called_a_tie_by_their_names():
    near = [measurement(10 + i, 0.79, 5000 + i) for i in range(6)]
    found = answer(of(*FIVE, *near))
    assert found.best == FIVE[4]
    assert tie_sentence(found) == (
        "It is a tie: candidate 4 leads 7 others by no more than the noise: 2 (2.00k MACs), "
        "10 (5.00k MACs), 11 (5.00k MACs), 12 (5.00k MACs) and 3 more. 7 of them have fewer MACs."
    )


def test_a_clear_lead_is_said_to_be_one():
    assert tie_sentence(answer(of(*FIVE, images=10_000))) == (
        "No other candidate is within the noise of candidate 4."
    )
    assert tie_sentence(answer(of(*FIVE, images=None))) is None


def test_the_best_of_a_budget_and_those_it_ties_with_are_within_it():
    found = answer(of(*FIVE, measurement(5, 0.69, 1900)), max_macs=3000)
    assert (found.best, [t.measurement.index for t in found.ties]) == (FIVE[2], [5])
    assert answer(of(*FIVE), max_macs=10).best is None


def test_a_row_a_budget_with_what_exports_it():
    page = "".join(answer_html(answer(of(*FIVE)), "candidate 4"))
    (rows,) = tables(page)
    share = rows[3][-3]
    assert rows[3] == [
        "9k", "4", "80.00", "8.0", "9,000", "40", share, "2\N{NO-BREAK SPACE}(2.00k)",
        "<code>python run_search.py export run --pick index=4</code>",
    ]  # fmt: skip
    assert 0 <= int(share) <= 100
    assert rows[1][-2] == "none"
    assert "The best: candidate 4." in page
    assert "chosen among 4" in page


def test_what_was_confirmed_stands_beside_and_is_not_called_too_high():
    page = "".join(answer_html(answer(of(*FIVE, confirmed={4: Confirmation((0.8, 0.82), 6)})), "candidate 4"))
    (rows,) = tables(page)
    column = [row[4].replace("\N{NO-BREAK SPACE}", " ") for row in rows]
    assert column == ["by other seeds", "–", "–", "81.00 ± 1.41% (n = 2)"]
    assert "too high" not in page


def test_a_latency_is_shown_where_it_was_measured():
    page = "".join(answer_html(answer(of(measurement(0, 0.5, 1000, latency=2.345))), None))
    (rows,) = tables(page)
    assert rows[1][rows[0].index("latency, ms")] == "2.35"


def test_of_nothing_nothing_is_said():
    assert answer_html(answer(of()), None) == []
    assert answer_html(answer(of(FIVE[3])), None) == []
