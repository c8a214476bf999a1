"""A search that waits in a hub: launched from the page New search, seen on Searches, and taken back there."""

from __future__ import annotations

import json

import pytest

from execution.runs import status
from records.run_files.run_folder import RunFolder
from records.run_files.search_rows import read_rows, taken_back
from tests.integration.browser import page
from tests.integration.programs import QUICK_TRIALS, address, belonging, start, wait_for

PATIENCE = 120_000  # milliseconds
FIRST = ("--strategy", "random", "--trials", "1000", "--epochs", "1", "--width", "4", "--cells", "2")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_that_waits_has_a_name_and_is_taken_back(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIAL_SECONDS", "1")  # the first one goes on for as long as this takes
    hub, log = tmp_path / "runs" / "hub", tmp_path / "log"
    opened = start(log, "hub", *FIRST, "--port", "0", "--run-dir", str(hub), program=QUICK_TRIALS)
    try:
        base = address(log).rstrip("/")
        with page() as tab:
            tab.set_default_timeout(PATIENCE)
            names = []
            for seed in ("1", "2"):
                tab.goto(f"{base}/pages/new")
                tab.wait_for_selector("#launch:not([disabled])")
                tab.fill("[data-name=seed] input", seed)
                tab.wait_for_selector("#estimate:has-text('MACs')")
                tab.click("#launch:not([disabled])")
                tab.wait_for_selector("#searches tr.new:has-text('waiting for others of hub')")
                names.append(tab.locator("#searches tr.new td >> nth=1").inner_text().rpartition("/")[2])
                assert f"{names[-1]} waits for others of hub" in tab.inner_text("#message")
            assert len(set(names)) == 2
            row = tab.locator("#searches tr", has_text=names[0])
            row.get_by_role("button", name="take back").click()
            tab.wait_for_selector(f"#message:has-text('{names[0]}: taken back')")
            row.wait_for(state="detached")
            assert tab.locator("#searches tr", has_text=names[1]).count() == 1
    finally:
        opened.terminate()
        opened.wait(60)
        left = belonging(hub)
        for process in left:
            process.kill()
    assert left == []
    assert [name for name, _ in read_rows(hub)] == ["first"]

    # Taken up again, the other one waits still, and is taken back as well: nothing is left to do but the first.
    opened = start(log, "resume", str(hub), "--port", "0", program=QUICK_TRIALS)
    try:
        base = address(log).rstrip("/")
        with page() as tab:
            tab.set_default_timeout(PATIENCE)
            tab.goto(f"{base}/pages/searches")
            row = tab.locator("#searches tr", has_text=names[1])
            row.get_by_role("button", name="take back").click()
            row.wait_for(state="detached")
            wait_for(lambda: taken_back(hub) == {names[1]}, 20)
    finally:
        opened.terminate()
        opened.wait(60)
        for process in belonging(hub):
            process.kill()
    assert [name for name, _ in read_rows(hub)] == ["first", names[1]]
    assert json.loads(read_rows(hub)[1][1]["seed"]) == 2
    assert status(RunFolder(hub)).total == 1
