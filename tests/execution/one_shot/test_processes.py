"""Processes that train together: heard, and none left, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from execution.one_shot.processes import run_processes
from records.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


def start(do, log, on_message=lambda number, message: None, module="tests.execution.one_shot.fake_processes"):
    """Runs them; returns what each said first."""
    heard = {}

    def listen(number, message):
        heard[number] = message
        on_message(number, message)

    try:
        run_processes(module, {"do": do}, len(do), log=log, on_message=listen)
    finally:
        for message in heard.values():
            assert not psutil.pid_exists(message["pid"])
    return heard


def test_all_are_heard_and_what_is_printed_goes_to_the_log(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("NNI_PLATFORM", "local")  # they are no trials, even where their starter is one
    heard = start(["end", "end"], tmp_path / "log")
    assert {number: (m["number"], m["count"], m["trial"]) for number, m in heard.items()} == {
        0: (0, 2, None),
        1: (1, 2, None),
    }
    assert capfd.readouterr() == ("", "")
    log = (tmp_path / "log").read_text()
    assert log.count("written by a library") == log.count("printed by a library") == 2


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (["wait", "refuse"], r"^the roof is missing$"),
        (["break", "wait"], r"^process 0 of the 2 .* failed \(RuntimeError: the roof fell in\); more is in "),
    ],
)
def test_the_end_of_one_is_the_end_of_all_and_one_line(tmp_path, do, said):
    with pytest.raises(UserError, match=said) as caught:
        start(do, tmp_path / "log")
    assert "\n" not in str(caught.value)
    assert ("Traceback" in (tmp_path / "log").read_text()) == ("break" in do)


def test_what_a_listener_raises_ends_them(tmp_path, monkeypatch):
    """Here the module is one that only this process knows where to find."""
    (tmp_path / "elsewhere.py").write_text(
        "from execution.one_shot.processes import serve\n"
        "from tests.execution.one_shot.fake_processes import work\n"
        "serve(work)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def interrupt(number, message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(["wait", "wait"], tmp_path / "log", interrupt, module="elsewhere")


def test_none_outlives_a_killed_starter(tmp_path):
    program = (
        "from tests.execution.one_shot.test_processes import start; from pathlib import Path; "
        f"start(['wait', 'wait'], Path({str(tmp_path / 'log')!r}), "
        "lambda number, message: print(message['pid'], flush=True))"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ}
    )
    pids = [int(starter.stdout.readline()) for _ in range(2)]
    assert all(psutil.pid_exists(pid) for pid in pids)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    end = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.05)
