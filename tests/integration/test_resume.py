"""A search that is killed, or interrupted, and taken up again: nothing lost, nothing twice."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from execution.session import session_of
from execution.settings import SearchSettings
from tests.integration.programs import FAULTY_TRIALS, belonging, records, start, wait_for

TRIALS = 12


@pytest.fixture
def folder(tmp_path):
    """A run folder; what a failing test leaves running in it is ended."""
    yield tmp_path / "run"
    for process in belonging(tmp_path / "run"):
        process.kill()


def server_of(folder: Path) -> psutil.Process:
    (server,) = [p for p in belonging(folder) if "--experiment-id" in p.cmdline()]
    return server


@pytest.mark.timeout(900)
def test_a_search_goes_on_each_time_that_it_is_stopped(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TRIAL_SECONDS", "1")
    options = ("--trials", str(TRIALS), "--strategy", "random", "--width", "4", "--port", "0")
    log, before = tmp_path / "log", []
    search = start(log, "search", *options, "--run-dir", str(folder), program=FAULTY_TRIALS)
    for victim in ("launcher", "launcher, by Ctrl-C", "server"):
        enough = len(before) + 2
        wait_for(lambda enough=enough: len(records(folder)) >= enough)
        if victim == "server":
            server_of(folder).kill()
        else:
            search.send_signal(signal.SIGKILL if victim == "launcher" else signal.SIGINT)
        code = search.wait(60)
        said = log.read_text()
        known = records(folder)
        assert known[: len(before)] == before
        assert enough <= len(known) < TRIALS
        before = known
        assert "Traceback" not in said
        if victim == "launcher":
            wait_for(lambda: belonging(folder) == [])  # nothing outlives its launcher
        else:
            assert code == {"server": 2}.get(victim, 130), said
            assert belonging(folder) == []
            assert ("NNI's server ended" in said) == (victim == "server")
        search = start(log, "resume", str(folder), "--port", "0", program=FAULTY_TRIALS)

    assert search.wait(400) == 0, log.read_text()
    after = records(folder)
    assert after[: len(before)] == before
    assert sorted(record["index"] for record in after) == list(range(TRIALS))
    assert belonging(folder) == []

    settings = SearchSettings(trials=TRIALS, strategy="random", width=4)
    proposer = session_of(settings).strategy
    uninterrupted = [proposer.propose(i, []).to_json() for i in range(TRIALS)]
    assert [r["genotype"] for r in sorted(after, key=lambda r: r["index"])] == uninterrupted
    accuracies = {r["index"]: r["accuracy"] for r in after if r["status"] == "ok"}
    assert accuracies == pytest.approx({i: 0.5 + 0.01 * i for i in (0, *range(4, TRIALS))})


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
