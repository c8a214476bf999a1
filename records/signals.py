"""Signals while a command runs: every end is one in order."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

_ENDS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE, _AGAIN = 30.0, 0.05  # seconds: that an import may hold a signal up, and between two looks


class _Interrupt:
    """A signal's handler that raises `KeyboardInterrupt`, after the import that is going on.

    Within an import the exception may be lost (the import of torch begins that of numpy, and drops what that raises),
    be made another one (by a dataclass), or leave half a module behind.
    """

    def __init__(self) -> None:
        self.since: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        self.since = self.since or now
        if _is_importing(frame) and now - self.since < _PATIENCE:
            before = signal.getsignal(signal.SIGALRM)

            def again(*_: Any) -> None:
                signal.signal(signal.SIGALRM, before)
                signal.raise_signal(number)

            signal.signal(signal.SIGALRM, again)
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
            return
        self.since = None
        raise KeyboardInterrupt


_interrupt = _Interrupt()


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _gets_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """While it lasts, SIGTERM ends the program as Ctrl-C does: in order. Both wait for the end of an import. Signals come
    to the main thread alone: another one has none to handle."""
    if not _gets_signals():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, _interrupt)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # in the background it is ignored
        before[signal.SIGINT] = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """While it lasts, Ctrl-C and SIGTERM wait; the first that came then does what it does otherwise.

    It is for what drops an exception that a signal raises in it: a fork with Python's own steps before and after it
    (`os.fork`, or a process with ``preexec_fn``), which may keep a lock for ever then.
    """
    if not _gets_signals():
        yield
        return
    came: list[int] = []
    before = {each: signal.signal(each, lambda number, _: came.append(number)) for each in _ENDS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A second Ctrl-C or SIGTERM must not leave half of a shutdown behind."""
    if not _gets_signals():
        yield
        return
    before = {each: signal.signal(each, signal.SIG_IGN) for each in _ENDS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def stop_names(folder: Path) -> Iterator[None]:
    """A stop within carries the run's ``folder``, so that it can be told with what to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(folder) from stop
