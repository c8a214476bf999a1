"""A search whose trials cannot start any more: it ends with one line, writes little, and can be taken up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.programs import FAULTY_TRIALS, belonging, program, start, wait_for

NO_INTERPRETER = program("sys.executable = '/no/such/python'", trials="faulty_trial")
OPTIONS = ("--strategy", "random", "--trials", "5", "--concurrency", "2", "--width", "4", "--port", "0")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run folder; what a failing test leaves running in it is ended."""
    monkeypatch.setenv("PDE_NAS_STARTS", json.dumps({"FIRST_MILLISECONDS": 2}))
    yield tmp_path / "run"
    for process in belonging(tmp_path / "run"):
        process.kill()


def records(folder: Path) -> list[dict]:
    path = folder / "candidates.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def last_line(log: Path) -> str:
    return log.read_text().strip().splitlines()[-1]


def written(folder: Path) -> int:
    """Bytes below the run folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.timeout(400)
def test_without_their_folder(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TRIAL_SECONDS", "1")
    log = tmp_path / "log"
    search = start(log, "search", *OPTIONS, "--run-dir", str(folder), program=FAULTY_TRIALS)
    wait_for(lambda: len(records(folder)) >= 1)
    shutil.rmtree(folder / "nni" / "code")
    assert search.wait(120) == 2, log.read_text()
    assert "10 starts of trials in a row failed" in last_line(log)
    assert f"the folder {folder / 'nni' / 'code'} is gone" in last_line(log)
    assert last_line(log).endswith(f"what was measured is kept, and `run_search.py resume {folder}` goes on")
    assert "Traceback" not in log.read_text()
    assert belonging(folder) == []
    before = records(folder)
    assert len(before) < 5
    assert written(folder) < 3 * 2**20

    resumed = start(log, "resume", str(folder), "--port", "0", program=FAULTY_TRIALS)
    assert resumed.wait(200) == 0, log.read_text()
    after = records(folder)
    assert after[: len(before)] == before
    assert sorted(record["index"] for record in after) == list(range(5))


@pytest.mark.timeout(400)
def test_without_their_interpreter(folder, tmp_path):
    log = tmp_path / "log"
    search = start(log, "search", *OPTIONS, "--run-dir", str(folder), program=NO_INTERPRETER)
    assert search.wait(120) == 2, log.read_text()
    assert "10 starts of trials in a row failed" in last_line(log)
    assert "/no/such/python: No such file or directory" in last_line(log)
    assert records(folder) == []  # no candidate has failed for that
    assert belonging(folder) == []
