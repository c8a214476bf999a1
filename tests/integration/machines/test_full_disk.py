"""A disk that is full and one that is read-only: one clear line, no stack trace, and a run that goes on later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.programs import FAULTY_TRIALS, belonging, wait_for
from tests.integration.small_disk import NoDisk, SmallDisk

COMMANDS = """
import json, sys
import run_search
for words in json.loads(sys.argv[1]):
    print("code", run_search.main(words), flush=True)
"""
pytestmark = pytest.mark.timeout(900)  # each starts several commands
FULL, READ_ONLY = "No space left on device", "Read-only file system"
ONE_SHOT = (
    "--strategy", "darts", "--portal", "off", "--width", "4", "--cells", "2", "--primitives",
    "skip_connect,sep_conv_3x3,global_1", "--train-limit", "150", "--supernet-epochs", "6", "--trials", "2",
    "--epochs", "1", "--threads", "1", "--device", "cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    try:
        disk = SmallDisk(tmp_path_factory.mktemp("disk") / "small")
    except NoDisk as reason:
        pytest.skip(f"needs a mount in a user namespace, which this system refuses: {reason}")
    yield disk
    for process in belonging(disk.path):
        process.kill()
    disk.close()


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def errors(log: Path) -> list[str]:
    """The lines of error, of which there must be nothing else."""
    said = log.read_text()
    assert "Traceback" not in said, said
    assert "Logging error" not in said, said
    return [line for line in said.splitlines() if line.startswith("error: ")]


def finish(process, seconds: int, code: int, log: Path) -> None:
    assert process.wait(seconds) == code, log.read_text()


def test_a_multi_trial_search(disk, tmp_path, monkeypatch):
    monkeypatch.setenv("TRIAL_SECONDS", "1")
    run, log = disk.path / "trials", tmp_path / "log"
    record = disk.outside / "trials" / "candidates.jsonl"
    options = ("--trials", "6", "--strategy", "random", "--width", "4", "--port", "0", "--run-dir", str(run))
    search = disk.start(log, FAULTY_TRIALS, "search", *options)
    wait_for(lambda: len(lines(record)) >= 2)
    disk.fill()
    finish(search, 60, 2, log)
    (error,) = errors(log)
    assert FULL in error
    assert str(run) in error
    assert belonging(run) == []
    before = lines(record)
    assert 2 <= len(before) < 6

    disk.remount("ro")
    finish(disk.start(log, FAULTY_TRIALS, "resume", str(run), "--port", "0"), 60, 2, log)
    assert [READ_ONLY in error for error in errors(log)] == [True]

    disk.remount("rw")
    disk.free()
    finish(disk.start(log, FAULTY_TRIALS, "resume", str(run), "--port", "0"), 150, 0, log)
    after = lines(record)
    assert after[: len(before)] == before
    assert sorted(each["index"] for each in after) == list(range(6))


@pytest.fixture(scope="module")
def one_shot(disk, tmp_path_factory):
    """A one-shot search that met a full disk, what it then said, and its records before and after."""
    log, run = tmp_path_factory.mktemp("logs") / "log", disk.path / "one-shot"
    record = disk.outside / "one-shot" / "oneshot.jsonl"
    search = disk.start(log, FAULTY_TRIALS, "search", *ONE_SHOT, "--run-dir", str(run))
    wait_for(lambda: lines(record))
    disk.fill()
    finish(search, 120, 2, log)
    said, before = errors(log), lines(record)
    disk.free()
    finish(disk.start(log, FAULTY_TRIALS, "resume", str(run)), 200, 0, log)
    return said, before, lines(record)


def test_a_one_shot_search(disk, one_shot):
    said, before, after = one_shot
    assert [FULL in error for error in said] == [True]
    assert len(before) < 6
    assert after[: len(before)] == before
    assert [record["epoch"] for record in after] == [1, 2, 3, 4, 5, 6]
    assert [m["index"] for m in lines(disk.outside / "one-shot" / "candidates.jsonl")] == [0, 1]


def test_the_other_commands(disk, one_shot, tmp_path):
    run, genotype, log = str(disk.path / "one-shot"), str(tmp_path / "genotype.json"), tmp_path / "log"
    first = lines(disk.outside / "one-shot" / "candidates.jsonl")[0]
    Path(genotype).write_text(json.dumps(first["genotype"]))
    small = (
        "--epochs",
        "1",
        "--train-limit",
        "60",
        "--batch-size",
        "32",
        "--test-limit",
        "30",
        "--threads",
        "1",
        "--device",
        "cpu",
    )
    words = [
        ["report", run],
        ["export", run],
        ["retrain", genotype, "--out", str(disk.path / "retrained"), *small],
        ["resume", run],
        ["search", *ONE_SHOT, "--run-dir", str(disk.path / "another")],
    ]

    def codes() -> list[int]:
        process = disk.start(log, COMMANDS, json.dumps(words))
        finish(process, 500, 0, log)
        return [int(line[5:]) for line in log.read_text().splitlines() if line.startswith("code ")]

    disk.fill()
    assert codes() == [2] * 5, log.read_text()
    assert len(errors(log)) == 5
    assert all(str(disk.path) in error and FULL in error for error in errors(log)), log.read_text()
    assert [FULL in error for error in errors(log)] == [True] * 5
    disk.remount("ro")
    assert codes() == [2] * 5
    assert [READ_ONLY in error for error in errors(log)] == [True] * 5
    disk.remount("rw")
    disk.free()
    del words[3:]
    assert codes() == [0] * 3, log.read_text()
    assert (disk.outside / "retrained" / "result.json").is_file()
    assert (disk.outside / "one-shot" / "export" / "model.onnx").stat().st_size > 1000
