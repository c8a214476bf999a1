"""A search that is killed, or interrupted, and taken up again: nothing lost, nothing twice."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from execution.session import session_of
from execution.settings import SearchSettings
from tests.integration.programs import FAULTY_TRIALS, belonging, records, start, wait_for

TRIALS = 6


@pytest.fixture
def folder(tmp_path):
    """A run folder; what a failing test leaves running in it is ended."""
    yield tmp_path / "run"
    for process in belonging(tmp_path / "run"):
        process.kill()


def server_of(folder: Path) -> psutil.Process:
    (server,) = [p for p in belonging(folder) if "--experiment-id" in p.cmdline()]
    return server


@pytest.mark.parametrize("victim", ["launcher", "launcher, by Ctrl-C", "server"])
def test_a_stopped_search_goes_on(folder, tmp_path, monkeypatch, victim):
    monkeypatch.setenv("TRIAL_SECONDS", "1")
    options = ("--trials", str(TRIALS), "--strategy", "random", "--width", "4", "--port", "0")
    log = tmp_path / "log"
    search = start(log, "search", *options, "--run-dir", str(folder), program=FAULTY_TRIALS)
    wait_for(lambda: len(records(folder)) >= 2)
    if victim == "server":
        server_of(folder).kill()
    else:
        search.send_signal(signal.SIGKILL if victim == "launcher" else signal.SIGINT)
    code = search.wait(60)
    said = log.read_text()
    before = records(folder)
    assert 2 <= len(before) < TRIALS
    assert "Traceback" not in said
    if victim == "launcher":
        wait_for(lambda: belonging(folder) == [])  # nothing outlives its launcher
    else:
        assert code == {"server": 2}.get(victim, 130), said
        assert belonging(folder) == []
        assert ("NNI's server ended" in said) == (victim == "server")

    resumed = start(log, "resume", str(folder), "--port", "0", program=FAULTY_TRIALS)
    assert resumed.wait(150) == 0, log.read_text()
    after = records(folder)
    assert after[: len(before)] == before
    assert sorted(record["index"] for record in after) == list(range(TRIALS))
    assert belonging(folder) == []

    settings = SearchSettings(trials=TRIALS, strategy="random", width=4)
    proposer = session_of(settings).strategy
    uninterrupted = [proposer.propose(i, []).to_json() for i in range(TRIALS)]
    assert [r["genotype"] for r in sorted(after, key=lambda r: r["index"])] == uninterrupted
    assert {r["index"]: r["accuracy"] for r in after if r["status"] == "ok"} == {0: 0.5, 4: 0.54, 5: 0.55}


def test_a_server_that_ends_in_order_right_after_its_start_is_one_line(folder, tmp_path):
    log = tmp_path / "log"
    options = ("--trials", "1", "--strategy", "random", "--width", "4", "--port", "0")
    search = start(log, "search", *options, "--run-dir", str(folder), program=FAULTY_TRIALS)
    wait_for(lambda: "Portal: " in log.read_text())
    server_of(folder).terminate()  # it closes its port before it has ended
    assert search.wait(60) == 2
    said = log.read_text()
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("error: NNI's server ended by itself (code "), said
    assert belonging(folder) == []
