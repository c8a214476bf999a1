"""The page Architecture in a real browser, and what all pages have in common."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.analysis.live.records import HTML, run_folder
from tests.execution.pages.served import served
from tests.integration.pages.served_pages import (
    EXPORTED,
    NAME,
    SERVED,
    drawn,
    measured,
    open_front,
)


def test_names_and_errors_that_hold_html_are_text(tab, address):
    open_front(tab, address, NAME, cost="macs")
    assert drawn(tab, "failed") == [1]
    tab.evaluate("chart.chart.ready")
    x, y = tab.evaluate(
        """() => {
            const box = chart.querySelector('.chart-plot').getBoundingClientRect();
            const { xs, ys } = chart.chart.layers.find(({ layer }) => layer.name === 'failed').places(chart.chart.view);
            return [box.x + xs[0], box.y + ys[0]];
        }"""
    )
    tab.mouse.move(x, y)
    tab.wait_for_selector(".chart-tip")
    assert HTML in tab.inner_text(".chart-tip")
    tab.goto(f"{address}/pages/front?run={quote(NAME)}&run=two&colour=run")
    tab.wait_for_selector("#table table")
    assert NAME in tab.inner_text("#table")
    tab.evaluate("chart.chart.ready")
    assert NAME in tab.locator("#chart [role=button]").all_inner_texts()
    tab.goto(f"{address}/pages/architecture?run={quote(NAME)}&candidate=1")
    tab.wait_for_selector("#genotype")
    assert tab.inner_text("h1") == f"Candidate 1 of {NAME}"
    assert tab.inner_text("#status") == f"failed: {HTML}"


def test_a_candidate_is_shown_whole(tab, address, folder):
    tab.goto(f"{address}/pages/architecture?run=two&candidate=1")
    tab.wait_for_selector("#genotype")
    known = measured(folder / "two")[1]
    assert json.loads(tab.inner_text("#genotype")) == known.genotype
    facts = tab.inner_text("#facts")
    assert f"{100 * known.accuracy:.2f}%" in facts
    assert f"{known.macs:,}" in facts
    assert tab.evaluate("drawing.naturalWidth") > 100
    parts = tab.locator("#parts tbody tr").all_inner_texts()
    assert [part.split()[0] for part in parts] == ["stem", "cells.0", "cells.1", "classifier"]
    assert tab.evaluate("curve.chart.picture.layers[0].y.map(y => y / 100)") == pytest.approx(known.history)
    assert tab.locator(".holds .global").count() > 0


def test_it_is_exported_and_the_answer_is_text(tab, address):
    tab.goto(f"{address}/pages/architecture?run=two&candidate=1")
    tab.click("#export")
    tab.wait_for_selector("#exported .good")
    said = tab.inner_text("#exported")
    assert f"Exported to {EXPORTED['folder']}: model.onnx" in said
    assert f"{HTML} two 1" in said
    tab.click("#copy-export")
    tab.wait_for_selector("#message:has-text('Copied: python run_search.py export ')")
    assert tab.inner_text("#message").endswith("two --pick index=1")


def test_the_report_is_read_from_the_front_and_is_interactive(tab, address, folder):
    before = sorted(path.name for path in (folder / "two").iterdir())
    open_front(tab, address, "two")
    tab.click("#report")
    tab.wait_for_selector("html[data-interactive=drawn]", state="attached")
    assert tab.inner_text("#chosen h3") == "Candidate 1"
    assert tab.evaluate("origin") == "null"  # not the portal's, which it could ask for anything
    assert sorted(path.name for path in (folder / "two").iterdir()) == before


@pytest.mark.parametrize(
    ("run", "said"), [("none", "No candidate was measured yet."), ("failed", "None of 7 candidates")]
)
def test_a_run_without_a_judged_candidate_has_a_report_that_says_so(tab, address, run, said):
    tab.goto(f"{address}/pages/documents/report?run={run}")
    assert said in tab.inner_text("body")


def test_of_very_many_runs_the_latest_are_listed_until_all_are_asked_for(browser, tmp_path):
    for number in range(205):
        run_folder(tmp_path / f"run{number:03}", [])
    with served(tmp_path / "run000", SERVED) as address:
        browser.goto(f"{address}/pages/searches")
        browser.wait_for_selector("text=4 earlier ones are not shown.")  # for its own is listed always
        assert browser.locator("#searches tr").count() == 201
        browser.click("#all")
        assert browser.locator("#searches tr").count() == 205


def test_what_is_not_there_is_said(tab, address):
    tab.goto(f"{address}/pages/front?run=nowhere")
    tab.wait_for_selector("#message.bad:has-text(\"run is 'nowhere'; accepted: a run folder in\")")
    tab.goto(f"{address}/pages/architecture?run=two&candidate=9")
    tab.wait_for_selector("#message.bad:has-text('candidate is 9')")


def test_a_dark_browser_gets_dark_pages_with_readable_text(tab, address):
    def contrast():
        return tab.evaluate(
            """() => {
                const part = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
                const light = text => {
                    const [r, g, b] = text.match(/\\d+/g).map(value => part(value / 255));
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                const ground = light(getComputedStyle(document.body).backgroundColor);
                const texts = [...document.querySelectorAll('p, th, td, a:not(.skip), label, h1, h2, button')].filter(one => one.offsetParent);
                const over = one => { while (getComputedStyle(one).backgroundColor === 'rgba(0, 0, 0, 0)') one = one.parentElement; return one; };
                const each = texts.map(one => {
                    const pair = [light(getComputedStyle(one).color), light(getComputedStyle(over(one)).backgroundColor)];
                    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
                });
                return [ground, Math.min(...each)];
            }"""
        )

    for scheme, dark in (("dark", True), ("light", False)):
        tab.emulate_media(color_scheme=scheme)
        for where in ("front?run=two", "architecture?run=two&candidate=1"):
            tab.goto(f"{address}/pages/{where}")
            tab.wait_for_selector("#table a, #genotype")
            ground, least = contrast()
            assert (ground < 0.2) == dark
            assert least >= 4.5  # WCAG 2.1, AA
        tab.goto(f"{address}/pages/front?run=two")
        tab.wait_for_selector("#table a")
        ink = tab.evaluate("chart.chart.picture.layers.find(layer => layer.name === 'front').colour")
        assert (int(ink[1:3], 16) > 128) == dark
    tab.emulate_media(color_scheme=None)
