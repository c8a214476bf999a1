"""A finished run shown again by the real server: what reads changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from execution import runs
from records.run_files.run_folder import RunFolder
from tests.execution.test_viewing import snapshot
from tests.integration.programs import FAULTY_TRIALS, ROOT, address, belonging, start, wait_for


def said(*words) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "run_search.py"), *map(str, words)], capture_output=True, text=True
    )
    return done.stdout + done.stderr


@pytest.mark.timeout(480)
def test_a_view_leaves_the_run_as_it_is(tmp_path):
    run, log = tmp_path / "run", tmp_path / "log"
    options = ("--trials", "1", "--strategy", "random", "--width", "4", "--port", "0")
    assert start(log, "search", *options, "--run-dir", str(run), program=FAULTY_TRIALS).wait(200) == 0, (
        log.read_text()
    )
    before = snapshot(run)
    assert "finished" in said("list", run)
    viewer = start(log, "view", str(run), "--port", "0", "--host", "127.0.0.1")
    try:
        shown = address(log)
        base, _, token = shown.partition("/?token=")
        asked = urllib.request.Request(
            f"{base}/api/v1/nni/trial-jobs", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            (trial,) = json.load(answer)
        assert trial["status"] == "SUCCEEDED"
        listed = said("list", run)
        assert f"finished, viewed ({viewer.pid})" in listed
        assert shown in listed
        assert "running" not in listed
        assert f"is shown already, at {shown}" in said("view", run, "--port", "0")
        told = said("stop", run)
        assert "its view was ended" in told
        assert "resume" not in told
        assert viewer.wait(30) == 0, log.read_text()
    finally:
        viewer.kill()
    wait_for(lambda: belonging(run) == [], 30)
    assert "was not running" in said("stop", run)
    assert "viewed" not in said("list", run)
    assert snapshot(run) == before


HOLDER = """
import sys, time
from records.run_files.run_folder import RunFolder
with RunFolder.open(sys.argv[1]).lock():
    print("Portal: held", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_a_run_of_another_container_is_not_stopped_here(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("unshare needs root")
    run = RunFolder.create(tmp_path / "run", {"strategy": "random", "trials": 1})
    words = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-c", HOLDER]
    inside = subprocess.Popen([*words, str(run.path)], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        inside.stdout.readline()
        told = said("stop", run.path)
        assert "goes on: process " in told
        assert "another container of this machine" in told
        assert "stop it there" in told
        assert "Traceback" not in told
        assert inside.poll() is None
        assert f"on {os.uname().nodename})" in runs.runs_table([runs.status(run)])
    finally:
        inside.send_signal(signal.SIGKILL)
        inside.wait()
        inside.stdout.close()
