"""A server of NNI's that has ended, or does not answer, is said in one line, whichever call notices it."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import requests
from websockets.exceptions import WebSocketException

from execution.nni_bridge import disk_space, server_end, viewed
from execution.nni_bridge.server_end import answering, require_running
from execution.nni_bridge.server_start import Start
from execution.portal import row_experiment
from execution.portal.address import Portal
from execution.portal.row_experiment import RowExperiment
from records.errors import UserError
from records.run_files.run_folder import RunFolder

CUT_OFF = [ConnectionRefusedError(111, "refused"), requests.ConnectionError("refused"), WebSocketException()]
FAILED = requests.Response()
FAILED.status_code = 500
FAILS = requests.HTTPError("500 Server Error", response=FAILED)
# It has closed its port, or answers with an error of its own, and takes its time to end.
ENDING = "import time; time.sleep(0.5)"


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", {})


@contextmanager
def server(program):
    """A process in the server's place, with its standard input open."""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_server_that_ended_is_said_in_one_line(run):
    require_running(run, None)  # not started
    with server("input()") as process:
        require_running(run, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with pytest.raises(UserError, match=r"server ended by itself \(code -9.*resume") as error:
            require_running(run, process)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("error", [*CUT_OFF, FAILS], ids=lambda error: type(error).__name__)
def test_a_call_to_a_server_that_is_ending_waits_for_its_end(run, error):
    with (
        server(ENDING) as process,
        pytest.raises(UserError, match=r"^NNI's server ended by itself \(code 0\) .* resume .* goes on$"),
        answering(run, lambda: process),
    ):
        raise error


@pytest.mark.parametrize(
    "error", [*CUT_OFF, requests.ReadTimeout("20 s"), requests.HTTPError("400\nno"), FAILS]
)
def test_a_server_that_does_not_answer_as_it_should_is_said_in_one_line(run, error, monkeypatch):
    monkeypatch.setattr(server_end, "_ENDING_SECONDS", 0.1)
    with (
        server("input()") as process,
        pytest.raises(UserError, match=r"^NNI's server does not answer as it should \([^\n]*resume"),
        answering(run, lambda: process),
    ):
        raise error


def test_what_is_no_calls_error_goes_through(run):
    with pytest.raises(FileNotFoundError), answering(run, lambda: None):
        raise FileNotFoundError(2, "none")


def test_a_row_whose_server_ends_at_once_is_one_line(run, monkeypatch):
    with server(ENDING) as process, Portal(None, 0) as portal:
        rows = RowExperiment(
            run, "rows", [("a", {})], module="m", arguments=(), concurrency=1, portal=portal, edits={}
        )

        def start(*_, **__):
            raise ConnectionRefusedError(111, "refused")

        @contextmanager
        def environment(*_):
            yield type("Start", (), {"server": process})()

        monkeypatch.setattr(row_experiment, "portal_environment", environment)
        monkeypatch.setattr(rows.experiment, "start", start)
        monkeypatch.setattr(rows.experiment, "stop", lambda: None)
        with pytest.raises(UserError, match=r"ended by itself \(code 0\)"):
            rows.__enter__()


def test_a_view_whose_server_ends_at_once_is_one_line_and_leaves_no_process(run, tmp_path, monkeypatch):
    kept = {"experimentWorkingDirectory": "x", "trainingService": {"platform": "local"}}
    with server("input()") as process:
        start = Start(lambda: process)

        def begin(*_):
            start()
            raise requests.ReadTimeout("20 s")

        monkeypatch.setattr(viewed.launcher, "start_experiment", begin)
        with (
            pytest.raises(UserError, match=r"does not answer .*20 s\); `view` shows the run again$"),
            viewed.view_experiment(run, "x1", kept, tmp_path, 1, start),
        ):
            pytest.fail("it did not start")
        assert process.poll() is not None


def test_a_server_that_fails_on_a_full_disk_is_told_as_that(run, monkeypatch):
    monkeypatch.setattr(
        disk_space.os, "statvfs", lambda _: SimpleNamespace(f_bfree=1, f_bavail=1, f_frsize=512, f_flag=0)
    )
    with (
        pytest.raises(UserError, match="^cannot write .*: No space left on device; .* resume .* goes on$"),
        answering(run, lambda: None),
    ):
        raise requests.HTTPError("500 Server Error")


def test_a_server_is_not_started_on_a_full_disk_nor_is_one_that_fills_told_as_a_taken_port(run, monkeypatch):
    free = [10**6, 1]
    monkeypatch.setattr(
        disk_space.os,
        "statvfs",
        lambda _: SimpleNamespace(f_bfree=free[0], f_bavail=free.pop(0), f_frsize=512, f_flag=0),
    )
    full = "^cannot write .*: No space left on device"
    with pytest.raises(UserError, match=full), answering(run, lambda: None):
        raise UserError("another program has port 8080 now")
    free.append(1)
    with pytest.raises(UserError, match=full), answering(run, lambda: None):
        pytest.fail("it was started")
