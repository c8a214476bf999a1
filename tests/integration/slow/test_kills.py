"""kill -9 of the launcher, NNI's server or a trial at thirty random moments, each time taken up again.

Minutes long: ``pytest -m slow tests/integration/slow/test_kills.py``; ``KILLS`` and ``KILLS_SEED`` change it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from pathlib import Path

import psutil
import pytest

from execution.session import session_of
from execution.settings import SearchSettings
from tests.integration.programs import FAULTY_TRIALS, belonging, records, start, wait_for

KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("KILLS_SEED", "0"))
TRIALS = 4 * KILLS  # so many that the kills hit a search that is not over
LONGEST_SECONDS = 25.0  # after the start: from the launcher's imports to some trials later
VICTIMS = ("launcher", "server", "trial")


def processes(folder: Path, victim: str) -> list[psutil.Process]:
    """The servers or trials that belong to the run."""
    if not (folder / "nni.json").exists():
        return []
    if victim == "trial":
        experiment = json.loads((folder / "nni.json").read_text())["experiment"]
        return [
            p
            for p in psutil.process_iter()
            if _experiment_of(p) == experiment and {"-m", "-I"} & {*_words(p)}
        ]
    return [p for p in belonging(folder) if "--experiment-id" in _words(p)]


def _experiment_of(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.Error):
        return process.environ().get("NNI_EXP_ID")
    return None


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_thirty_kills(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIAL_SECONDS", "1.5")
    chance = random.Random(SEED)
    folder, log = tmp_path / "run", tmp_path / "log"
    options = ("--trials", str(TRIALS), "--strategy", "evolution", "--width", "4", "--port", "0")
    words = ["search", *options, "--run-dir", str(folder)]
    known: list[dict] = []
    said = []
    for kill in range(KILLS):
        search = start(log, *words, program=FAULTY_TRIALS)
        victim, moment = chance.choice(VICTIMS), chance.uniform(0.5, LONGEST_SECONDS)
        time.sleep(moment)
        assert search.poll() is None, log.read_text()
        found = processes(folder, victim)
        if victim == "launcher" or not found:  # not started yet
            search.kill()
        else:
            found[0].kill()
        if victim == "trial":  # the search goes on without it; its launcher is next
            time.sleep(chance.uniform(0, 3))
            search.kill()
        search.wait(120)
        wait_for(lambda: belonging(folder) == [])
        assert "Traceback" not in log.read_text(), log.read_text()
        now = records(folder)
        assert now[: len(known)] == known, f"kill {kill}: what was measured changed"
        said.append((kill, victim, round(moment, 1), len(now)))
        print(*said[-1], flush=True)
        known = now
        if (folder / "settings.json").exists():
            words = ["resume", str(folder), "--port", "0"]
    last = start(log, *words, program=FAULTY_TRIALS)
    assert last.wait(1200) == 0, log.read_text()
    found = {record["index"]: record for record in records(folder)}
    assert sorted(found) == list(range(TRIALS))
    assert len(records(folder)) == TRIALS
    assert belonging(folder) == []

    # What was proposed is what a search without any kill proposes, from the same results.
    settings = SearchSettings(trials=TRIALS, strategy="evolution", width=4)
    from records.run_files.run_folder import RunFolder

    results = {m.index: m for m in RunFolder.open(folder).measurements()}
    proposer = session_of(settings).strategy
    for index in range(TRIALS):
        seen = [results[i] for i in range(max(0, index - settings.concurrency + 1))]
        assert proposer.propose(index, seen).to_json() == found[index]["genotype"], index
