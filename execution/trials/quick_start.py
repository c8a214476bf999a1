"""What NNI starts as a trial: hands the trial over to a process that has everything imported, and lasts as long as it.

    python -I quick_start.py MODULE [ARGUMENT ...]

It imports nothing of this project and little of Python, so it is there within some hundredths of a second. The process
that listens at the socket named in PDE_NAS_PRELOADED (`execution.trials.preloaded`) forks a trial with this one's
arguments, environment, folder and streams. A signal that this process gets is passed on to the trial, whose end is
this process's end. Where nobody listens, this process becomes the trial itself.
"""

import array
import contextlib
import json
import os
import signal
import socket
import sys

PLACE = "PDE_NAS_PRELOADED"
_PASSED_ON = (signal.SIGINT, signal.SIGTERM)
_LENGTH = 8  # bytes, of a message's length before it


def send(connection: socket.socket, message: object) -> None:
    """One message as JSON, its length before it."""
    content = json.dumps(message).encode()
    connection.sendall(len(content).to_bytes(_LENGTH, "big") + content)


def receive(connection: socket.socket) -> object:
    """What `send` sent. Raises ``EOFError`` where the other side is gone."""
    length = int.from_bytes(_read(connection, _LENGTH), "big")
    return json.loads(_read(connection, length))


def _read(connection: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        more = connection.recv(length - len(content))
        if not more:
            raise EOFError("the connection was closed")
        content += more
    return content


def main() -> None:
    arguments = sys.argv[1:]
    connection = _connected()
    if connection is None:
        os.execv(sys.executable, [sys.executable, "-m", *arguments])
    waiting: list[int] = []  # signals that came before the trial was known
    trial = 0

    def pass_on(number: int, _: object) -> None:
        if trial:
            with contextlib.suppress(ProcessLookupError):
                os.kill(trial, number)
        else:
            waiting.append(number)

    for number in _PASSED_ON:
        signal.signal(number, pass_on)
    # A signal's handler runs, and the waiting goes on.
    streams = array.array("i", [0, 1, 2])
    connection.sendmsg([b"s"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    send(connection, {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()})
    try:
        trial = int(receive(connection))  # type: ignore[call-overload]
        for early in waiting:
            pass_on(early, None)
        end = int(receive(connection))  # type: ignore[call-overload]
    except (EOFError, OSError):
        print("error: the process that the trial was forked from has ended", file=sys.stderr)
        sys.exit(1)
    if end < 0:  # by that signal
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(-end, signal.SIG_DFL)
        os.kill(os.getpid(), -end)
    os._exit(end if end >= 0 else 1)


def _connected() -> "socket.socket | None":
    place = os.environ.get(PLACE)
    if not place:
        return None
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(place)
    except OSError:
        connection.close()
        return None
    return connection


if __name__ == "__main__":
    main()
