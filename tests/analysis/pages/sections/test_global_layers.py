"""The report's answer to whether global layers pay: what is drawn, and what of it is explained."""

from __future__ import annotations

from analysis.pages.sections.global_layers import comparison_html
from analysis.studies.global_layers import global_question
from tests.analysis.studies.synthetic import by_macs, made_up_run


def shown(count: int) -> str:
    run = made_up_run(count, lambda o, w, macs: by_macs(macs))
    return comparison_html(global_question([run], ["a"]))


def test_with_enough_pairs_their_differences_are_drawn_and_the_interval_explained():
    page = shown(200)
    assert page.count("<img") == 2
    assert "The interval is Student&#x27;s t" in page


def test_with_too_few_pairs_there_is_no_interval_to_draw_or_explain():
    for count in (1, 4, 8):
        page = shown(count)
        assert "cannot be told" in page
        assert page.count("<img") <= 1
        assert "interval" not in page
