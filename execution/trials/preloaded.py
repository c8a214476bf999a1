"""A process that has imported what trials need, and forks them: a trial then starts in hundredths of a second.

Each trial is a process of its own, in a session of its own: what it does to its memory, its streams or its folder, and
how it ends, is nobody else's. The process that forks does nothing else, has one thread, and never touches a GPU, so
that a trial is as if it had been started afresh. `execution.trials.quick_start` is the other side.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from execution.own_python import module_command
from execution.trials.quick_start import PLACE, receive, send

# What every trial imports sooner or later; torch's compiler, two seconds, comes with any optimiser's first step.
_MODULES = (
    "execution.trials.entry",
    "training.trial",
    "search_space.primitives.global_layers",
    "torch._dynamo",
)
_STREAMS = 3
_END_SECONDS = 5.0  # that it may take to end; longer while it compiles
# So that looking for GPUs does not initialise CUDA, which no forked process could use then.
_NO_CUDA = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}


@contextmanager
def preloaded_trials() -> Iterator[None]:
    """While it lasts, trials that are started from this environment are forked from a process that has everything
    imported. It ends with this one, however that goes, and its trials with it."""
    folder = Path(tempfile.mkdtemp(prefix="pde-nas-"))  # this user's alone
    place = folder / "trials"
    process = _started(place)
    try:
        with mock.patch.dict(os.environ, {PLACE: str(place)}):
            yield
    finally:
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                _kill(process.pid)
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _started(place: Path) -> subprocess.Popen | None:
    """The process that forks; None where it cannot be started: then each trial says why it cannot."""
    with contextlib.suppress(OSError):
        return subprocess.Popen(
            module_command(__name__, str(place)),
            env=os.environ | _NO_CUDA, stdin=subprocess.PIPE, stdout=_handed_on(1), stderr=_handed_on(2),
            start_new_session=True,  # Ctrl-C is for the launcher
        )  # fmt: skip
    return None


def _handed_on(stream: int) -> int | None:
    """For `subprocess`: a stream as this process has it. Where it has none, an empty one, whose place nothing that is
    opened later takes."""
    try:
        return None if os.get_inheritable(stream) else subprocess.DEVNULL
    except OSError:
        return subprocess.DEVNULL


class Nursery:
    """Forks a trial for each connection to ``place``, tells it the trial's process and then its end, and ends a trial
    whose connection is gone."""

    def __init__(self, place: str) -> None:
        self.selector = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(place)
        self.listener.listen(64)
        self.trials: dict[int, socket.socket] = {}  # by process
        self.ended, self.wake = os.pipe()
        os.set_blocking(self.wake, False)
        signal.set_wakeup_fd(self.wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for source, act in ((self.listener, self._fork), (self.ended, self._reap), (0, self._end)):
            self.selector.register(source, selectors.EVENT_READ, act)

    def run(self) -> None:
        while True:
            for key, _ in self.selector.select():
                key.data(key.fileobj)

    def _fork(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            _, streams, _, _ = socket.recv_fds(connection, 1, _STREAMS)
            request: Any = receive(connection)
        except (EOFError, OSError, ValueError):
            connection.close()
            return
        process = os.fork()
        if process == 0:
            self._become(streams, request)
        for stream in streams:
            os.close(stream)
        self.trials[process] = connection
        self.selector.register(connection, selectors.EVENT_READ, self._gone)
        with contextlib.suppress(OSError):
            send(connection, process)

    def _become(self, streams: list[int], request: dict[str, Any]) -> None:
        """The trial, in the forked process, which never returns."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        self.selector.close()
        for owned in (self.listener, *self.trials.values()):
            owned.close()
        os.close(self.ended)
        os.close(self.wake)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = list(request["arguments"])
        os._exit(_run(sys.argv[0]))

    def _reap(self, ended: int) -> None:
        os.read(ended, 4096)
        while self.trials:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            connection = self.trials.pop(process)
            with contextlib.suppress(KeyError):
                self.selector.unregister(connection)
            with contextlib.suppress(OSError):
                send(connection, os.waitstatus_to_exitcode(status))
            connection.close()

    def _gone(self, connection: socket.socket) -> None:
        """The process that NNI knows was killed; its trial must not live on."""
        self.selector.unregister(connection)
        _kill(next(process for process, its in self.trials.items() if its is connection))

    def _end(self, _: int) -> None:
        """The launcher has ended."""
        if os.read(0, 4096):
            return
        for process in self.trials:
            _kill(process)
        os._exit(0)


def _kill(process: int) -> None:
    """With all that it started."""
    for end in (os.killpg, os.kill):  # it may not lead its session yet
        with contextlib.suppress(ProcessLookupError):
            end(process, signal.SIGKILL)


def _run(module: str) -> int:
    """The exit code of ``python -m module``."""
    sys.modules.pop(module, None)  # imported already, which runpy would warn of
    code: Any = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as Python ends a program
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if isinstance(code, str):
        print(code, file=sys.stderr, flush=True)
    atexit._run_exitfuncs()
    return code if isinstance(code, int) else int(code is not None)


def main() -> None:
    import importlib

    nursery = Nursery(sys.argv[1])  # who comes early waits
    for name in _MODULES:
        importlib.import_module(name)
    # Once on a machine this takes most of a minute, which is not the first candidate's.
    importlib.import_module("pde_ops.cpu.build").kernels()
    gc.collect()
    gc.freeze()  # or each trial's first full collection copies all that is imported
    nursery.run()


if __name__ == "__main__":
    main()
