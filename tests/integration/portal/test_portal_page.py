"""The portal of a real search, pressed on everywhere in a real browser: what is there does something."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.browser import TrialsPage, page
from tests.integration.programs import address, belonging, start, wait_for

SMALL = (
    "--strategy", "random", "--trials", "2", "--concurrency", "1", "--epochs", "30", "--width", "4", "--cells", "2",
    "--threads", "1", "--port", "0",
)  # fmt: skip
NOWHERE = (
    "[alt=all-experiments]", "[alt=feedback]", "[alt=document]", "[alt=version]", "text=TensorBoard",
    "[role=tab]:has-text('Visualization')", "[src$='experiment-tuner.png']",
)  # fmt: skip
CONTROLS = (
    "[title='Customized trial']", "[title=kill]", ".maxExperimentDuration", ".maxTrialNum",
    ".trialCount .concurrency",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A run folder; what a failing test leaves running in it is ended."""
    yield tmp_path / "run"
    for process in belonging(tmp_path / "run"):
        process.kill()


def shown(tab, selectors) -> list[str]:
    """Those that are in the page for whoever looks at it."""
    return [
        selector for selector in selectors if any(part.is_visible() for part in tab.locator(selector).all())
    ]


@contextmanager
def panel(tab, icon: str):
    tab.click(f".nav-main [alt={icon}]")
    yield tab.locator(".ms-Panel-main")
    tab.click(".ms-Panel-main button:has-text('Close')")


def text_behind(tab, button: str) -> str:
    """What the browser shows in the window that a button opens."""
    with tab.expect_popup() as opened:
        tab.locator(".openRow").locator(f"button:has-text('{button}')").click()
    window = opened.value
    window.wait_for_load_state()
    text = window.locator("body").inner_text()
    window.close()
    return text


def open_log(trials: TrialsPage, number: int) -> None:
    trials.row(number).locator("i.cursor").first.click()
    trials.page.locator(".openRow [role=tab]:has-text('Log')").click()


@pytest.mark.timeout(600)
def test_every_button_does_something_and_every_trial_has_a_log(folder, tmp_path):
    log = tmp_path / "log"
    search = start(log, "search", *SMALL, "--run-dir", str(folder))
    portal = address(log)
    foreign: list[str] = []

    def hear(request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            foreign.append(request.url)

    with page() as tab:
        tab.on("request", hear)
        tab.goto(f"{portal}/oview")
        tab.wait_for_selector("text=Top trials")
        assert shown(tab, NOWHERE) == []
        for icon, said in (
            ("summary", "Summary"),
            ("search-space", "normal/op_2_0"),
            ("config", "trialCommand"),
        ):
            with panel(tab, icon) as opened:
                opened.locator(f"text={said}").first.wait_for()
        with panel(tab, "log") as opened:
            opened.locator("text=/nni/i").first.wait_for()
            assert "doctype" not in opened.inner_text()
            opened.locator("[role=tab]:has-text('NNIManager log')").click()
            opened.locator("text=Start NNI manager").first.wait_for()

        # The log of a trial that runs, epoch by epoch.
        trials = TrialsPage(tab, portal)
        trials.wait_for(0, "RUNNING")
        assert shown(tab, NOWHERE) == []
        open_log(trials, 0)
        assert shown(tab, NOWHERE) == []
        wait_for(lambda: "epoch 2 of 30" in text_behind(tab, "View trial log"))
        text = text_behind(tab, "View trial stdout")
        for line in (r"candidate 0: genotype \w{16} of darts-global", r"cost: [\d,]+ MACs", "data: digits",
                     "recipe: search, 30 epochs", "runs on: cpu, 1 thread, seed 0", r"epoch 1 of 30: loss \d"):  # fmt: skip
            assert re.search(rf"^{line}", text, re.M), text
        assert text_behind(tab, "View trial error") == "stderr is empty."

        # Cancelled, it says so.
        trials.row(0).locator("[title=kill]").click()
        tab.click("button:has-text('Yes')")
        tab.click(".ms-Dialog-main button:has-text('Close')")
        trials.wait_for(0, "CANCELLED")
        ending = text_behind(tab, "View trial log").splitlines()[-1]
        assert re.fullmatch(r"cancelled after \d+\.\d s, before its end", ending)

        # The next one is watched to its end: the other tabs and buttons.
        for name in ("Duration", "Intermediate result", "Default metric"):
            tab.click(f"[role=tab][name='{name}']")
        trials.row(0).locator("[title=Intermediate]").click()
        tab.click("[aria-label='Close popup modal']")
        tab.click("button:has-text('Add/Remove columns')")
        tab.click(".ms-Dialog-main button:has-text('Cancel')")
    assert search.wait(300) == 0, log.read_text()
    records = [json.loads(line) for line in (folder / "candidates.jsonl").read_text().splitlines()]
    (best,) = [record for record in records if record["status"] == "ok"]
    written = written_by(folder, best["trial"])
    assert written.splitlines()[-1].startswith(
        f"end: accuracy {100 * best['accuracy']:.2f}% on validation images"
    )

    view = start(log, "view", str(folder), "--port", "0")
    with page() as tab:
        trials = TrialsPage(tab, address(log))
        assert shown(tab, (*NOWHERE, *CONTROLS)) == []
        open_log(trials, 1)
        assert text_behind(tab, "View trial log").split() == written.split()
        tab.click("[role=tab][name='Hyper-parameter']")
        axes = ".parcoords .dimension text.label"
        tab.wait_for_selector(axes)
        names = tab.locator(axes).all_text_contents()
        assert names[:6] == ["candidate", "width", "cells", "macs", "params", "global_share"]
        assert len(names) == len(set(names)) < 25
        assert not [name for name in names if "/" in name or name in ("genotype", "measurement", "trial")]
        tab.on("request", hear)
        tab.goto(f"{address(log)}/oview")
        tab.wait_for_selector("text=Top trials")
        assert shown(tab, (*NOWHERE, *CONTROLS)) == []
        # Icons are letters of a font that is there.
        icon = "i[data-icon-name='Market']"
        tab.wait_for_selector(icon)
        family = tab.evaluate(f'getComputedStyle(document.querySelector("{icon}")).fontFamily')
        assert (
            tab.evaluate(f"document.fonts.load('16px {family}', '\\uEAFC').then(found => found.length)") == 1
        )
        tab.click("#own-pages a:text-is('Front')")
        tab.wait_for_selector("#table table")
        assert tab.inner_text("#summary").startswith(f"{len(records)} of ")
    assert foreign == []
    view.terminate()
    view.wait(60)
    assert belonging(folder) == []


def written_by(folder: Path, trial: str) -> str:
    (path,) = folder.glob(f"nni/[!_]*/environments/*/trials/{trial}/trial.stdout")
    return path.read_text()
