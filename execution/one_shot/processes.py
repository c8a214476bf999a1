"""Starts the processes of a supernet, hears them, and lets none of them live on.

The process that was asked for a search trains nothing itself then: it only waits, so that it can always be
interrupted, and ends all processes as soon as one of them has ended badly. Each is a fresh interpreter with a
module of its own, never this program again. It learns from its standard input what to do, and that its
starter is gone when that closes, however it went. It answers in lines of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from execution.own_python import module_command
from records.errors import UserError

Message = dict[str, Any]
Send = Callable[[Message], None]
_GRACE = 2.0  # seconds for the others to end by themselves, so that the one that began it can be named


def run_processes(
    module: str, request: Message, count: int, *, log: Path, on_message: Callable[[int, Message], None]
) -> None:
    """Runs ``count`` processes of ``python -m module`` (which calls ``serve``) to their end.

    ``on_message`` gets a process's number and what it sent. Whatever they print goes to ``log``, the progress
    bar of process 0 excepted. Raises ``UserError`` if one of them fails or is killed; then, and whatever is
    raised in between, none is left.
    """
    heard: queue.Queue[tuple[int, Message | None]] = queue.Queue()
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="supernet-") as folder:
        try:
            for number in range(count):
                process = subprocess.Popen(
                    module_command(module),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C is for the one that waits
                )
                processes.append(process)
                threading.Thread(target=_hear, args=(number, process, heard), daemon=True).start()
                told = {"number": number, "count": count, "meeting": folder, "log": str(log)}
                assert process.stdin is not None
                process.stdin.write(json.dumps(told | {"request": request}).encode() + b"\n")
                process.stdin.flush()
            _follow(processes, heard, log, on_message)
        except BrokenPipeError:
            _raise_failure(processes, heard, log)
        finally:
            for process in processes:
                process.kill()
            for process in processes:
                process.wait()
                if process.stdin is not None:
                    try:
                        process.stdin.close()
                    except BrokenPipeError:  # what it no longer read
                        continue


def _follow(
    processes: list[subprocess.Popen[bytes]],
    heard: queue.Queue[tuple[int, Message | None]],
    log: Path,
    on_message: Callable[[int, Message], None],
) -> None:
    left = len(processes)
    while left:
        try:
            number, message = heard.get(timeout=1)
        except queue.Empty:
            if any(process.poll() for process in processes):
                _raise_failure(processes, heard, log)
            continue
        if message is None:
            left -= 1
            if processes[number].wait() != 0:
                _raise_failure(processes, heard, log)
        elif "error" in message:
            raise UserError(message["error"])
        elif "crash" in message:
            heard.put((number, message))  # for what names the failure
            processes[number].wait()
            _raise_failure(processes, heard, log)
        else:
            on_message(number, message)


def _raise_failure(
    processes: list[subprocess.Popen[bytes]], heard: queue.Queue[tuple[int, Message | None]], log: Path
) -> None:
    """What one of them said, or that it was killed, comes before those that failed because of it."""
    end = time.monotonic() + _GRACE
    while time.monotonic() < end and any(process.poll() is None for process in processes):
        time.sleep(0.05)
    crashes: dict[int, str] = {}
    while not heard.empty():
        number, message = heard.get()
        if message is not None and "error" in message:
            raise UserError(message["error"])
        if message is not None and "crash" in message:
            crashes[number] = message["crash"]
    failed = [(process.poll() or 0, number) for number, process in enumerate(processes) if process.poll()]
    code, number = min(failed)
    how = f"was ended by signal {-code}" if code < 0 else f"failed ({crashes.get(number, f'code {code}')})"
    raise UserError(
        f"process {number} of the {len(processes)} that train the supernet {how}; more is in {log}; the "
        "epochs done are kept"
    )


def _hear(
    number: int, process: subprocess.Popen[bytes], heard: queue.Queue[tuple[int, Message | None]]
) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            heard.put((number, json.loads(line)))
    heard.put((number, None))


def _environment() -> dict[str, str]:
    """Without NNI's variables, where this process is a trial: the others are none. Connections between them
    are kept to loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NNI_")}
    loopback = next(
        name
        for name, addresses in psutil.net_if_addrs().items()
        if any(address.address == "127.0.0.1" for address in addresses)
    )
    return kept | {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback}


def serve(work: Callable[[Message, int, int, Path, Send], None]) -> None:
    """The main function of such a process: ``work(request, number, count, meeting, send)``.

    A ``UserError`` becomes the starter's; anything else goes to the log with its traceback.
    """
    told = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_starter, args=(told["meeting"],), daemon=True).start()
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Python's stderr stays the terminal, for the progress bar; what libraries print goes to the log.
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8")
    log = os.open(told["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)

    def send(message: Message) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    code = 0
    try:
        work(told["request"], told["number"], told["count"], Path(told["meeting"], "group"), send)
    except UserError as error:
        send({"error": str(error)})
    except BaseException as error:  # noqa: BLE001 - the end of the process, whatever it was
        with contextlib.suppress(OSError):  # a full disk
            os.write(log, traceback.format_exc().encode())
        send({"crash": " ".join(f"{type(error).__name__}: {error}".split())[:300]})
        code = 1
    os._exit(code)  # without waiting for what a group that broke has left behind


def _end_with_starter(meeting: str) -> None:
    while os.read(0, 4096):
        pass
    shutil.rmtree(meeting, ignore_errors=True)  # which the starter, if it was killed, has left
    os.kill(os.getpid(), signal.SIGKILL)
