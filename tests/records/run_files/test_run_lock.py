"""Who is at work in a folder, here and on other machines."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from execution.ending import end_in_order
from records.errors import UserError
from records.run_files import run_lock
from records.run_files.owner import Owner
from records.run_files.run_folder import RunFolder
from records.run_files.run_lock import LOCK, OWNER, holder, locked

ELSEWHERE = dataclasses.replace(Owner.me(), pid=77, host="ada", boot="another")
HOLD = """
import os, sys, time
from pathlib import Path
from records.run_files.run_lock import locked
with locked(Path(sys.argv[1]), "wait"):
    if sys.argv[2:] == ["fork"] and os.fork():
        os._exit(0)  # the child has the lock, the record names its parent
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold():
    """Starts processes that hold a folder."""
    started = []

    def begin(folder: Path, *words: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder), *words], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def write_elsewhere(folder: Path, silent: float) -> None:
    (folder / LOCK).write_text("77")
    (folder / OWNER).write_text(json.dumps(ELSEWHERE.to_json()))
    os.utime(folder / OWNER, (time.time() - silent,) * 2)


def test_the_holder_is_told_and_nothing_stays_when_it_ends(tmp_path):
    assert holder(tmp_path) is None
    with locked(tmp_path, "wait"):
        found = holder(tmp_path)
        assert found is not None
        assert found.is_here()
        assert found.pid == os.getpid()
        assert (tmp_path / LOCK).read_text() == str(os.getpid())  # for readers of earlier versions
    assert holder(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_a_second_one_is_refused_with_number_and_host(tmp_path, hold):
    process = hold(tmp_path)
    host = os.uname().nodename
    with (
        pytest.raises(UserError, match=rf"^process {process.pid} on {host} \(since 20.*; come back$"),
        locked(tmp_path, "come back"),
    ):
        pass
    process.kill()
    process.wait()
    assert holder(tmp_path) is None
    with locked(tmp_path, "come back"):
        pass


def test_a_look_changes_nothing(tmp_path, hold):
    hold(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.iterdir()]}
    assert holder(tmp_path) is not None
    assert {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.iterdir()]} == before


@pytest.mark.parametrize(("text", "pid"), [("123", 123), ("", None), ("{", None), ("-5", None)])
def test_a_lock_of_an_earlier_version_names_no_process(tmp_path, hold, text, pid):
    hold(tmp_path)
    (tmp_path / OWNER).unlink()
    (tmp_path / LOCK).write_text(text)
    assert holder(tmp_path) == Owner(pid)


def test_a_lock_that_a_child_inherited_is_nobody_s(tmp_path, hold):
    process = hold(tmp_path, "fork")
    assert process.wait(10) == 0
    owner = holder(tmp_path)
    assert owner is not None
    assert owner.pid == process.pid
    assert not owner.is_here()
    with pytest.raises(
        UserError, match=rf"goes on: process {process.pid} on .* is at work on it; stop it there"
    ):
        end_in_order(RunFolder(tmp_path))


def test_on_another_machine_signs_of_life_count(tmp_path):
    write_elsewhere(tmp_path, silent=10)
    assert holder(tmp_path) == ELSEWHERE
    with pytest.raises(UserError, match=r"process 77 on ada \(since .* is at work"), locked(tmp_path, "wait"):
        pass
    write_elsewhere(tmp_path, silent=run_lock._SILENCE_SECONDS + 1)
    assert holder(tmp_path) is None
    with locked(tmp_path, "wait"):
        pass


def test_a_holder_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "_SIGN_SECONDS", 0.05)
    with locked(tmp_path, "wait"):
        os.utime(tmp_path / OWNER, (0, 0))
        end = time.monotonic() + 10
        while (tmp_path / OWNER).stat().st_mtime == 0:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_where_nothing_can_be_locked_the_record_decides(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(37, os.strerror(37))

    write_elsewhere(tmp_path, silent=10)
    monkeypatch.setattr(run_lock.fcntl, "flock", refuse)
    assert holder(tmp_path) == ELSEWHERE
    with pytest.raises(UserError, match="cannot be locked"), locked(tmp_path, "wait"):
        pass


def test_a_folder_in_place_of_the_lock_is_told(tmp_path):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(UserError, match=r"\.lock is a folder; accepted: the file that a search locks"):
        holder(tmp_path)


def test_one_that_is_just_ending_is_waited_for(tmp_path):
    """It has taken its record away, and frees the lock a moment later."""
    script = HOLD.replace(
        "time.sleep(60)", "(Path(sys.argv[1]) / '.owner').unlink(); print('gone', flush=True); time.sleep(1)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert [process.stdout.readline() for _ in range(2)] == ["held\n", "gone\n"]
    assert not holder(tmp_path).known
    assert end_in_order(RunFolder(tmp_path))
    assert process.wait(10) == 0
    process.stdout.close()
