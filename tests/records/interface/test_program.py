"""What surrounds a command: each way of ending has its code and its line."""

from __future__ import annotations

import errno
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from records.errors import UserError
from records.interface.program import run_program

ROOT = Path(__file__).resolve().parents[3]


def ended(error: BaseException | None) -> int:
    def obey(words):
        if error is not None:
            raise error

    before = signal.getsignal(signal.SIGINT)
    try:
        return run_program(obey, ["go"], lambda command, run=None: f"{command} and {run}", long=False)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, 0, ""),
        (UserError("x is 1; accepted: 2"), 2, "error: x is 1; accepted: 2\n"),
        (KeyboardInterrupt(), 130, "\nstopped; go and None\n"),
        (KeyboardInterrupt("runs/a"), 130, "\nstopped; go and runs/a\n"),
        (OSError(errno.ENOSPC, "No space left on device", "f"), 2, "error: f: No space left on device\n"),
    ],
)
def test_an_end_has_a_code_and_a_line(capsys, error, code, said):
    assert ended(error) == code
    assert capsys.readouterr().err == said


def test_termination_is_told_as_ctrl_c_is(capsys):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        code = run_program(
            lambda words: signal.raise_signal(signal.SIGTERM),
            ["go"],
            lambda command: f"{command} again",
            long=True,
        )
        after = signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before[0])
    assert (code, capsys.readouterr().err) == (130, "\nstopped; go again\n")
    assert after == before[1]


def test_a_fault_of_the_program_is_raised():
    with pytest.raises(OSError, match="Bad file descriptor"):
        ended(OSError(errno.EBADF, "Bad file descriptor"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["--help"], ["search", "--help"], ["list", "."]])
def test_what_cannot_be_printed_is_an_error(words):
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, str(ROOT / "run_search.py"), *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (ended.returncode, ended.stderr) == (2, "error: standard output: No space left on device\n")


_TALKATIVE = """
import os, subprocess, sys
from records.interface.program import run_program
child = "import os, sys; sys.exit(sum(os.fstat(n).st_rdev != os.stat(os.devnull).st_rdev for n in (0, 1, 2)))"
def obey(words):
    sys.exit(subprocess.run([sys.executable, "-c", child]).returncode)
run_program(obey, ["go"], lambda *_: "", long=False)
"""


def test_closed_streams_are_empty_for_processes_that_are_started_too():
    program = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(_TALKATIVE)} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", program], cwd=ROOT).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["report", "nosuch"], ["search", "--trials", "0"], ["search", "--bogus"]])
def test_a_mistake_has_its_code_where_its_line_cannot_be_written(words):
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, str(ROOT / "run_search.py"), *words], stderr=full, stdout=full
        )
    assert ended.returncode == 2
