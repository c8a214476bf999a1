"""What a killed launcher leaves is ended, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from execution.nni_bridge import orphans
from execution.nni_bridge.orphans import kill_orphans

SLEEP = "import time; print(1, flush=True); time.sleep(60)"


@pytest.fixture
def begin(tmp_path):
    started = []

    def trial(experiment, folder, *words, cwd=tmp_path, **more):
        environment = {"NNI_EXP_ID": experiment, "NNI_SYS_DIR": str(folder / experiment / "environments")}
        process = subprocess.Popen(
            [sys.executable, "-c", SLEEP, *map(str, words)],
            env=os.environ | (more or environment),
            stdout=subprocess.PIPE,
            cwd=cwd,
        )
        process.stdout.readline()
        started.append(process)
        return process

    yield trial
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_trials_and_server_of_the_run_are_ended_and_nobody_else(tmp_path, begin):
    run, copy, shown = (tmp_path / name / "nni" for name in ("run", "copy", "view"))
    for folder in (run, copy, shown):
        folder.mkdir(parents=True)
    server = ("--experiment-id", "abc123", "--experiments-directory")
    mine = [begin("abc123", run), begin("", run, *server, run, A="")]
    others = [
        begin("abc1234", run),
        begin("abc123", copy),  # the run folder was copied, and both are at work
        begin("", copy, *server, copy, A=""),
        begin("", shown, *server, shown, A=""),  # a view of it
        begin("", run, "--experiment-id", "abc1234", "--experiments-directory", run, A=""),
    ]
    assert sorted(kill_orphans("abc123", run)) == sorted(process.pid for process in mine)
    assert not any(psutil.pid_exists(process.pid) for process in mine)
    assert [process.poll() for process in others] == [None] * len(others)


def test_a_run_that_was_renamed_has_its_trials_still(tmp_path, begin):
    before, now = tmp_path / "before", tmp_path / "now"
    (before / "nni" / "code").mkdir(parents=True)
    trial = begin("abc123", before / "nni", cwd=before / "nni" / "code")
    before.rename(now)
    assert kill_orphans("abc123", now / "nni") == [trial.pid]


def test_what_is_in_another_container_is_left_alone(tmp_path, begin, monkeypatch):
    trial = begin("abc123", tmp_path)
    monkeypatch.setattr(orphans, "shares_our_namespaces", lambda pid: pid != trial.pid)
    assert kill_orphans("abc123", tmp_path) == []
    assert trial.poll() is None


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="unshare needs root")
def test_namespaces_are_told_apart():
    inside = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "echo $$; sleep 60"],
        stdout=subprocess.PIPE,
    )
    try:
        inside.stdout.readline()
        (child,) = orphans.psutil.Process(inside.pid).children()
        assert not orphans.shares_our_namespaces(child.pid)
        assert orphans.shares_our_namespaces(os.getpid())
    finally:
        inside.kill()
        inside.wait()
        inside.stdout.close()
