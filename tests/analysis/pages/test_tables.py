"""The report's tables of candidates."""

from __future__ import annotations

from pathlib import Path

from analysis.pages.tables import MOST_ROWS, candidates_html, ended_html
from analysis.run import Run
from tests.analysis.pages.test_page import tables
from tests.analysis.samples.runs import FIVE, measurement


def test_of_many_the_most_accurate_are_shown_by_their_index():
    many = tuple(measurement(i, i / 2000, 1000 + i) for i in range(MOST_ROWS + 5))
    page = "".join(candidates_html(Run(Path("run"), {}, many)))
    (rows,) = tables(page)
    assert [int(row[0]) for row in rows[1:]] == list(range(5, MOST_ROWS + 5))
    assert "The 1,000 most accurate of 1,005 judged candidates" in page
    assert candidates_html(Run(Path("run"), {}, (FIVE[3],))) == []


def test_of_many_failures_the_first_are_shown():
    many = tuple(measurement(i, None, 10, error="<b>") for i in range(MOST_ROWS + 1))
    page = "".join(ended_html(Run(Path("run"), {}, many), "run"))
    assert "Failed in run, the first 1,000 of 1,001" in page
    assert page.count("&lt;b&gt;") == MOST_ROWS
