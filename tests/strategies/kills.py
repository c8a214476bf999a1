"""Work that is killed at a certain moment, as by a power cut, in a process of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any


def killed(work: Callable[[], object], owner: Any, name: str, call: int) -> None:
    """Runs ``work`` in a fork of this process, which SIGKILL ends as ``owner.name`` is called for the ``call``-th time."""
    child = os.fork()
    if child == 0:
        try:
            setattr(owner, name, _deadly(getattr(owner, name), call))
            work()
        finally:
            os._exit(1)  # nothing of the tests goes on here
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"it ended before call {call} of {name}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def _deadly(function: Callable[..., Any], call: int) -> Callable[..., Any]:
    calls = 0

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **named)

    return counted
