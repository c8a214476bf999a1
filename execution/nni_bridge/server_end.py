"""NNI's server has ended, or does not answer: that is said in one line, with the reason where one of the files that mend
it made it end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from subprocess import Popen, TimeoutExpired
from typing import Any

from requests import ConnectionError as RequestsConnectionError
from requests import RequestException
from websockets.exceptions import WebSocketException

from execution.nni_bridge.disk_space import require_space
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from records.run_files.settings_file import what_is_left

_REASON = "ended.txt"  # written by preload.js
_CUT_OFF = (ConnectionError, WebSocketException)
_ENDING_SECONDS = 10.0  # a server that ends in order fails, and closes its port, some time before


def why_ended(run: RunFolder) -> str:
    """What the server of the run's experiment said last, to follow a sentence; empty if it said nothing."""
    identity = run.experiment()
    if identity is None:
        return ""
    file = run.path / "nni" / identity / "log" / _REASON
    try:
        return f": {' '.join(file.read_text(errors='replace').split())}"
    except FileNotFoundError:
        return ""


def failure(run: RunFolder, what: str, then: str | None = None) -> UserError:
    """``what`` became of the server, why, and ``then``, what the user can do: by default, look into its log and resume the
    run. A full disk, on which the server fails in ways of its own, is told as that."""
    if then is None:
        try:
            require_space(run.path)
        except UserError as full:
            return full
    if then is None:
        what, then = f"{what}{why_ended(run)} (its log is below {run.path / 'nni'})", what_is_left(run.path)
    return UserError(f"{what}; {then}")


def require_running(run: RunFolder, server: Any, then: str | None = None) -> None:
    """Raises `UserError` if ``server``, where it is a process of ours, has ended: NNI itself would wait for it for ever."""
    if isinstance(server, Popen) and server.poll() is not None:
        raise failure(run, f"NNI's server ended by itself (code {server.returncode})", then)


def _at_fault(error: RequestException) -> bool:
    """Whether the server answered that it failed itself, as one does that is about to end."""
    return error.response is not None and error.response.status_code >= 500


@contextmanager
def answering(run: RunFolder, server: Callable[[], Any], then: str | None = None) -> Iterator[None]:
    """Raises `UserError` where a call to NNI's server fails, since that has ended or does not answer; ``server`` gives its
    process, None before there is one. ``then`` as for `failure`; where it is None a full disk is told as that."""
    if then is None:
        require_space(run.path)
    try:
        yield
    except UserError:
        if then is None:
            require_space(run.path)
        raise
    except (RequestException, *_CUT_OFF) as error:
        if isinstance(error, (RequestsConnectionError, *_CUT_OFF)) or _at_fault(error):
            process = server()
            if isinstance(process, Popen):
                with suppress(TimeoutExpired):
                    process.wait(_ENDING_SECONDS)
            require_running(run, process, then)
        said = " ".join(str(error).split())[:200]
        raise failure(run, f"NNI's server does not answer as it should ({said})", then) from error
