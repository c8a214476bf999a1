"""What a report tells a reader who has never seen the project."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.pages import words
from analysis.pages.words import introduction, words_html
from analysis.run import Run
from search_space.primitives.registry import primitive_names
from tests.analysis.samples.runs import FIVE, measurement

SETTINGS = {"space": "darts-global", "strategy": "random", "dataset": "digits"}


def test_the_introduction_says_what_was_searched_and_how_it_was_judged():
    resolved = {"recipe": {"epochs": 3}, "train_images": 1438}
    assert introduction(Run(Path("run"), SETTINGS, tuple(FIVE), resolved=resolved)) == (
        "A search for networks on digits in the space darts-global by the strategy random: 5 candidates, 4 of them judged, "
        "each trained for 3 epochs of 1,438 images."
    )
    assert introduction(Run(Path("run"), {}, ())) == "A search for networks: 0 candidates, 0 of them judged."


def test_the_words_of_a_report_are_explained_without_marks_of_a_source():
    page = words_html([Run(Path("run"), SETTINGS, tuple(FIVE))])
    for word in (
        "index",
        "recipe",
        "near the front",
        "knee",
        "±",
        "noise of a difference, tie",
        "by other seeds",
        "age",
    ):
        assert f"<dt>{word}</dt>" in page
    assert "place in the order of finishing" in page
    assert "`" not in page
    assert page.startswith('<details class="words">')


def test_operations_are_explained_that_are_there():
    page = words_html([Run(Path("run"), SETTINGS, tuple(FIVE))])
    for word in ("candidate", "MACs", "knee", "global layer", "cell, node", "global", "skip_connect"):
        assert f"<dt>{word}</dt>" in page
    assert "<dt>global_implicit</dt>" not in page
    plain = measurement(0, 0.5, 10, genotype={"architecture": {"stage0": {"operation": "conv_3x3"}}})
    page = words_html([Run(Path("run"), SETTINGS, (plain,))])
    assert "<dt>global layer</dt>" not in page
    assert "<dt>cell, node</dt>" not in page


def test_every_operation_that_is_known_has_an_explanation():
    kinds = {re.sub(r"(_\d+x\d+|_split|_\d+)$", "", name) for name in primitive_names()}
    assert kinds - {"none"} <= words._KINDS.keys() | words._OTHERS.keys()
