"""The whole way without a command line, in a real browser: a search is launched from the portal of another one, watched, a
point of its front opened and exported, and its report read. ``WALK_PICTURES`` names a folder for pictures of each step."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.browser import page
from tests.integration.programs import QUICK_TRIALS, address, belonging, records, start, wait_for

PATIENCE = 600_000  # milliseconds: the trials train
FIRST = ("--strategy", "random", "--trials", "5000", "--epochs", "1", "--width", "4", "--cells", "2")
ASKED = {"trials": "3", "seed": "3", "confirm": "0", "train_limit": "200"}


@pytest.fixture
def portal(tmp_path, monkeypatch):
    """The portal of a search that goes on, and the folder of runs."""
    monkeypatch.setenv("TRIAL_SECONDS", "2")
    log, base = tmp_path / "log", tmp_path / "runs"
    options = (*FIRST, "--concurrency", "1", "--port", "0", "--run-dir", str(base / "first"))
    search = start(log, "search", *options, program=QUICK_TRIALS)
    yield address(log).rstrip("/"), base
    search.terminate()
    search.wait(60)
    for process in belonging(base):
        process.kill()


def show(tab, step):
    if folder := os.environ.get("WALK_PICTURES"):
        tab.screenshot(path=str(Path(folder, f"{step}.png")))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_search_is_launched_watched_opened_exported_and_its_report_read(portal):
    base, runs = portal
    broken = []
    with page() as tab:
        tab.set_default_timeout(PATIENCE)
        tab.on("pageerror", lambda error: broken.append(str(error)))
        tab.goto(base)
        tab.click("a:has-text('Searches')")
        tab.click("#searches a:has-text('again')")
        tab.wait_for_selector("#launch:not([disabled])")
        for name, value in ASKED.items():
            place = tab.locator(f"[data-name={name}] input")
            place.locator("xpath=ancestor::details").evaluate_all(
                "all => all.forEach(each => { each.open = true; })"
            )
            place.fill(value)
        tab.check("#at-once")
        tab.wait_for_selector("#estimate:has-text('MACs')")
        show(tab, "1-new-search")
        tab.click("#launch:not([disabled])")
        tab.wait_for_url("**/pages/front?run=*")
        (run,) = (path for path in runs.iterdir() if path.name.endswith("digits-random"))

        tab.wait_for_selector("#table table")  # the first candidate comes by itself
        assert "More come while the search runs." in tab.inner_text("#summary")
        show(tab, "2-front-live")
        tab.wait_for_selector("#summary:has-text('3 of 3 candidates')")
        wait_for(lambda: (run / "outcome.json").is_file(), 600)
        show(tab, "3-front")
        spot = tab.evaluate(
            """async () => {
                await chart.chart.ready;
                const { xs, ys } = chart.chart.layers.find(({ layer }) => layer.name === 'front').places(chart.chart.view);
                const box = chart.querySelector('.chart-plot').getBoundingClientRect(), last = xs.length - 1;
                return [box.x + xs[last], box.y + ys[last]];
            }"""
        )
        tab.mouse.click(*spot)
        tab.wait_for_url("**/pages/architecture?**")
        tab.wait_for_selector("#genotype")
        best = max(records(run), key=lambda record: record["accuracy"])
        assert json.loads(tab.inner_text("#genotype")) == best["genotype"]
        tab.click("#export")
        tab.wait_for_selector("#exported .good")
        show(tab, "4-exported")
        assert (run / "export" / f"candidate{best['index']}" / "model.onnx").is_file()

        tab.click("#report")
        tab.wait_for_selector("html[data-interactive=drawn]", state="attached")
        show(tab, "5-report")
        assert tab.inner_text("#chosen h3") == f"Candidate {best['index']}"
        assert f"{100 * best['accuracy']:.2f}%" in tab.inner_text(".answer")
    assert broken == []
