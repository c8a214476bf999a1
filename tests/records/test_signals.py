"""A stop while modules are imported: it comes after the import, and ends the command in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from records.signals import interrupts_wait, termination_as_interrupt, uninterrupted

REPOSITORY = Path(__file__).parents[2]
AT_MODULE = """
import os, runpy, signal, sys
module, number, *words = sys.argv[1:]
done = []
def hook(event, arguments):
    if event == "import" and arguments[0] == module and not done:
        done.append(1)
        os.kill(os.getpid(), int(number))
sys.addaudithook(hook)
sys.argv = ["run_search.py", *words]
runpy.run_path("run_search.py", run_name="__main__")
"""
AT_A_DATACLASS = """
import os, runpy, signal, sys
number, *words = sys.argv[1:]
def profile(frame, event, argument):
    if event == "call" and frame.f_code.co_name == "__set_name__" and frame.f_code.co_filename.endswith("dataclasses.py"):
        sys.setprofile(None)
        os.kill(os.getpid(), int(number))
sys.setprofile(profile)
sys.argv = ["run_search.py", *words]
runpy.run_path("run_search.py", run_name="__main__")
"""


def run(script, *words):
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], cwd=REPOSITORY, capture_output=True, text=True, timeout=120,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "module", ["numpy", "numpy._globals", "numpy.lib._histograms_impl", "numpy._core.arrayprint", "torch"]
)
def test_within_an_import(module, number, tmp_path):
    """numpy's was lost in torch's import, or left half a numpy behind."""
    found = run(AT_MODULE, module, int(number), "search", "--trials", "2", "--run-dir", tmp_path / "run")
    assert (found.returncode, found.stderr.strip()) == (130, "stopped; nothing was begun")
    assert not (tmp_path / "run").exists()


def test_while_a_dataclass_is_made(tmp_path):
    """Python makes a RuntimeError of what is raised there."""
    found = run(AT_A_DATACLASS, int(signal.SIGINT), "search", "--trials", "2", "--run-dir", tmp_path / "run")
    assert (found.returncode, found.stderr.strip()) == (130, "stopped; nothing was begun")


def test_an_import_that_does_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("records.signals._PATIENCE", 0.2)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "endless_module.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    )
    started, before = time.monotonic(), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), termination_as_interrupt():
        import endless_module  # noqa: F401
    assert 0.2 < time.monotonic() - started < 10
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with termination_as_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_there_are_no_signals_to_handle():
    """A notebook or a server may well run a search in a thread of its own."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    came = []

    def within():
        with termination_as_interrupt(), interrupts_wait(), uninterrupted():
            came.append([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)])

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    assert came == [before]
