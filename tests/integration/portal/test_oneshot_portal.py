"""A one-shot search in the portal: seen within seconds, killed, taken up with the same numbers."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path

import pytest

from tests.integration.browser import page
from tests.integration.programs import address, belonging, start, wait_for

OPTIONS = (
    "--strategy", "darts", "--primitives", "skip_connect,global_1", "--width", "4", "--cells", "2",
    "--train-limit", "100", "--supernet-epochs", "4", "--trials", "1", "--epochs", "1", "--threads", "1",
    "--mac-penalty", "0.2",
)  # fmt: skip
SHOWN_WITHIN = 15.0  # seconds: one or two, but the machine may be busy
MEASURES = ("default", "loss", "expected_macs", "entropy", "skips", "genotype")


def epochs(run: Path) -> list[dict]:
    path = run / "oneshot.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def metrics(portal: str) -> list[dict]:
    with urllib.request.urlopen(f"{portal}/api/v1/nni/metric-data", timeout=20) as answer:
        return [json.loads(json.loads(metric["data"])) for metric in json.load(answer)]


@pytest.mark.timeout(600)
def test_it_is_shown_and_outlives_a_kill(tmp_path):
    whole, run, log = tmp_path / "whole", tmp_path / "run", tmp_path / "log"
    uninterrupted = start(
        tmp_path / "whole.log", "search", *OPTIONS, "--portal", "off", "--run-dir", str(whole)
    )
    assert uninterrupted.wait(240) == 0, (tmp_path / "whole.log").read_text()
    assert not (whole / "nni.json").exists()
    said = (tmp_path / "whole.log").read_text()
    assert [f"[{n}/4] supernet: accuracy " in said for n in (1, 2, 3, 4)] == [True] * 4
    assert "[1/1] candidate 0: ok, accuracy " in said
    assert "Warning: the architecture weights stayed at the entropy of equal weights" in said
    assert "it/s" not in said

    search = start(log, "search", *OPTIONS, "--port", "0", "--run-dir", str(run))
    portal = address(log)
    with page() as tab:
        tab.goto(f"{portal}/oview")
        tab.wait_for_selector("#own-progress:has-text('Supernet: ')")
        tab.wait_for_selector("text=RUNNING")
        for number in (1, 2):
            wait_for(lambda number=number: len(epochs(run)) >= number)
            known = time.monotonic()
            wait_for(lambda number=number: any(m.get("epoch") == number for m in metrics(portal)), 60)
            assert time.monotonic() - known < SHOWN_WITHIN
        (shown,) = (m for m in metrics(portal) if m.get("epoch") == 1)
        assert shown["default"] == pytest.approx(epochs(run)[0]["default"])
        assert {"expected_macs", "entropy", "skips"} <= set(shown)
        assert "TUNER_NO_MORE_TRIAL" not in tab.inner_text("body")

    search.kill()
    wait_for(lambda: belonging(run) == [])  # nothing holds the port
    resumed = start(log, "resume", str(run), "--port", "0")
    assert resumed.wait(240) == 0, log.read_text()
    assert belonging(run) == []
    assert [[e[m] for m in MEASURES] for e in epochs(run)] == [
        [e[m] for m in MEASURES] for e in epochs(whole)
    ]
    ends = [json.loads((folder / "outcome.json").read_text()) for folder in (run, whole)]
    assert ends[0] == ends[1]
