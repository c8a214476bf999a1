"""What a report says first."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from analysis import read_run
from analysis.certainty.noise import Certainty
from analysis.pages.answers import answer, answer_html, noise_sentence, rule_sentence, tie_sentence
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
        "standard error over the images."
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
        "9,000\N{NO-BREAK SPACE}and\N{NO-BREAK SPACE}more", "4", "80.00", "8.0", "40", share, "2\N{NO-BREAK SPACE}(2.00k)",
        "<code>python run_search.py export run --pick index=4</code>",
    ]  # fmt: skip
    assert 0 <= int(share) <= 100
    assert rows[1][-2] == "none"
    ranges = [row[0].replace("\N{NO-BREAK SPACE}", " ") for row in rows[1:]]
    assert ranges == ["1,000 to 1,999", "2,000 to 8,999", "9,000 and more"]
    assert "Take the row that holds your budget; below the first one nothing fits. ±" in page
    assert "How ties are decided" not in page  # all were trained once
    assert "The best: candidate 4." in page
    assert "chosen among 4" in page


def test_what_was_confirmed_stands_beside_and_is_not_called_too_high():
    page = "".join(answer_html(answer(of(*FIVE, confirmed={4: Confirmation((0.8, 0.82), 6)})), "candidate 4"))
    (rows,) = tables(page)
    column = [row[4].replace("\N{NO-BREAK SPACE}", " ") for row in rows]
    assert column == ["by other seeds, 6 epochs", "–", "–", "81.00 ± 1.41% (n = 2)"]
    assert "too high" not in page
    assert "By other seeds, 6 epochs: mean ± standard deviation over n seeds." in page


def test_a_tie_that_rests_on_seeds_is_said_to_and_how_ties_are_decided():
    confirmed = {2: Confirmation((0.79, 0.8, 0.81), 6), 4: Confirmation((0.8, 0.81, 0.82), 6)}
    page = "".join(answer_html(answer(of(*FIVE, confirmed=confirmed)), "candidate 4"))
    assert "by no more than the noise: 2 (2.00k MACs, by seeds). 1 of them has fewer MACs. How ties" in page
    assert (
        "How ties are decided: two candidates that were trained again are compared by their means over seeds with the noise "
        "of seeds and images, all others by the search&#x27;s one training with the noise of the images."
        in page
    )
    (rows,) = tables(page)
    assert rows[3][-2].replace("\N{NO-BREAK SPACE}", " ") == "2 (2.00k, by seeds)"
    assert rule_sentence(of(*FIVE, confirmed=confirmed, images=None)).endswith(
        "with the noise of seeds, others cannot be compared."
    )


def test_of_a_long_front_it_is_said_that_points_are_left_out():
    many = [measurement(i, 0.5 + i / 1000, 1000 + 37 * i * i) for i in range(200)]
    assert "--pick max-macs=X takes the best for X" in "".join(answer_html(answer(of(*many)), None))


def test_a_latency_is_shown_where_it_was_measured():
    page = "".join(answer_html(answer(of(measurement(0, 0.5, 1000, latency=2.345))), None))
    (rows,) = tables(page)
    assert rows[1][rows[0].index("latency, ms")] == "2.35"


def test_of_nothing_nothing_is_said():
    assert answer_html(answer(of()), None) == []
    assert answer_html(answer(of(FIVE[3])), None) == []


def test_a_share_of_global_layers_is_rounded_as_in_the_table_of_candidates():
    architecture = {"normal": [[["global_3", i] for i in range(5)] + [["skip_connect", i] for i in range(3)]]}
    one = dataclasses.replace(FIVE[4], genotype={"architecture": architecture})
    (rows,) = tables("".join(answer_html(answer(of(one)), "candidate 4")))
    assert rows[1][-3] == "63"  # 62.5, which JavaScript's toFixed gives as 63
