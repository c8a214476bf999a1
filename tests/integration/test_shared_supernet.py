"""A real, tiny search by supernet-pareto: it is shown from its beginning on, and killed in each of its parts."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pytest

from execution.runs import status
from execution.session import session_of
from execution.settings import SearchSettings
from records.run_files.run_folder import RunFolder
from strategies.workplace import Workplace
from tests.integration.programs import address, belonging, program, records, start, wait_for

ASKED = {
    "strategy": "supernet-pareto", "width": 4, "cells": 1, "supernet_epochs": 3, "supernet_steps": 1, "judged": 16,
    "controls": 1, "trials": 3, "epochs": 2, "train_limit": 120, "batch_size": 32, "threads": 1, "concurrency": 1,
    "confirm": 0,
}  # fmt: skip
OPTIONS = [f"--{name.replace('_', '-')}={value}" for name, value in ASKED.items()]
# So that a kill hits the part that it is meant for.
SLOWED = (
    "import time, strategies.shared_weights.judge as judge, strategies.shared_weights.training as training",
    "def slow(kind, name, seconds):",
    "    at_once = getattr(kind, name)",
    "    setattr(kind, name, lambda *given: (time.sleep(seconds), at_once(*given))[1])",
    "slow(training._Training, '_step', 0.5)",
    "slow(judge.Judge, 'accuracy', 0.3)",
)


def lines(folder: Path, name: str) -> list[dict]:
    """The whole ones of a file, but for times."""
    path = folder / name
    whole = path.read_text().split("\n")[:-1] if path.exists() else []
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in whole]


def before(folder: Path) -> list:
    """What was done before the first candidate."""
    chosen = json.loads((folder / "chosen.json").read_text())
    return [lines(folder, "supernet.jsonl"), lines(folder, "judged.jsonl"), chosen]


@pytest.fixture
def folder(tmp_path):
    """A run folder; what a failing test leaves running in it is ended."""
    yield tmp_path / "run"
    for process in belonging(tmp_path / "run"):
        process.kill()


def progress(portal: str) -> str:
    with urllib.request.urlopen(f"{portal}/pages/data/progress", timeout=60) as answer:
        return json.load(answer)["line"]


@pytest.mark.timeout(600)
def test_it_is_shown_from_its_beginning_and_goes_on_where_it_was_ended(folder, tmp_path):
    log, slowly = tmp_path / "log", program(*SLOWED, trials="quick_trial")
    search = start(log, "search", *OPTIONS, "--port", "0", "--run-dir", str(folder), program=slowly)
    portal = address(log)
    assert lines(folder, "judged.jsonl") == []
    assert progress(portal).startswith("Before the first candidate: the supernet is trained, ")
    assert status(RunFolder(folder)).portal == portal
    wait_for(lambda: lines(folder, "supernet.jsonl"))
    search.send_signal(signal.SIGINT)
    assert search.wait(60) == 130, log.read_text()
    assert "Traceback" not in log.read_text()
    assert belonging(folder) == []

    search = start(log, "resume", str(folder), "--port", "0", program=slowly)
    wait_for(lambda: len(lines(folder, "judged.jsonl")) > 4)
    assert "16 networks are judged on the supernet's weights" in progress(address(log))
    search.kill()
    wait_for(lambda: belonging(folder) == [])
    assert len(lines(folder, "judged.jsonl")) < 16

    search = start(log, "resume", str(folder), "--port", "0", program=program(trials="quick_trial"))
    assert search.wait(240) == 0, log.read_text()
    session = session_of(SearchSettings(**ASKED))
    (tmp_path / "whole").mkdir()
    session.strategy.prepare(Workplace(tmp_path / "whole", session.trial, session.settings.trials))
    assert before(folder) == before(tmp_path / "whole")
    assert [r["genotype"] for r in records(folder)] == [
        session.strategy.propose(index, []).to_json() for index in range(3)
    ]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_in_each_of_its_parts_it_ends_as_if_it_had_not_been(folder, tmp_path):
    log, whole = tmp_path / "log", tmp_path / "whole"
    slowly = program(*SLOWED, trials=None)
    undisturbed = start(log, "search", *OPTIONS, "--port", "0", "--run-dir", str(whole))
    assert undisturbed.wait(240) == 0, log.read_text()
    words = ["search", *OPTIONS, "--run-dir", str(folder)]
    kills = (("supernet.jsonl", 1), ("supernet.jsonl", 2), ("judged.jsonl", 3), ("judged.jsonl", 11), ("proposed.jsonl", 1),
             ("candidates.jsonl", 1), ("proposed.jsonl", 3))  # fmt: skip
    for name, count in kills:
        search = start(log, *words, "--port", "0", program=slowly)
        wait_for(lambda name=name, count=count: len(lines(folder, name)) >= count)
        assert search.poll() is None, log.read_text()
        search.kill()
        wait_for(lambda: belonging(folder) == [])
        assert "Traceback" not in log.read_text()
        words = ["resume", str(folder)]
    assert start(log, *words, "--port", "0").wait(240) == 0, log.read_text()
    assert before(folder) == before(whole)
    names = ("index", "genotype", "status", "accuracy", "history", "macs", "params", "seen")
    course = [[{name: r[name] for name in names} for r in records(run)] for run in (folder, whole)]
    assert course[0] == course[1]
    assert len(course[0]) == 3
