"""What surrounds a command: its streams, and how each way of ending is told and numbered."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from records.errors import UserError
from records.signals import termination_as_interrupt
from records.text import is_utf8

# What a file system may refuse, wherever a command reads or writes; any other error is this program's own.
_THE_SYSTEMS = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO,
    errno.ESTALE,
)  # fmt: skip


def run_program(
    obey: Callable[[Sequence[str]], None],
    words: Sequence[str],
    kept: Callable[..., str],
    *,
    long: bool,
) -> int:
    """Runs ``obey`` on a command line; the exit code: 0, 2 for a user's mistake or the system's refusal, 130 after
    Ctrl-C or SIGTERM, 1 where nobody reads what is printed.

    ``kept`` says what a user who stopped the command can do next: it gets the command's name, and the run folder if
    the interrupt names one. ``long``: whether a stop is worth a line.
    """
    _prepare_streams()
    try:
        _require_readable(words)
        try:
            with termination_as_interrupt():
                obey(words)
        except SystemExit:  # after --help, whose text may lie in a buffer
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except UserError as error:
        _tell_error(f"error: {error}")
        return 2
    except KeyboardInterrupt as stop:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends: there is nothing left to interrupt
        _tell_error(f"\nstopped; {kept(words[0], *stop.args)}")
        return 130
    except BrokenPipeError:  # whoever read the output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if long:
            _tell_error(f"stopped, since nobody reads its output; {kept(words[0])}")
        return 1
    except OSError as error:
        if error.errno not in _THE_SYSTEMS:
            raise
        where = error.filename or "a file"
        if error.filename is None and not _takes_a_line(sys.stdout):
            where = "standard output"
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what its buffer holds is lost
        _tell_error(f"error: {where}: {error.strerror}")
        return 2
    return 0


def _tell_error(line: str) -> None:
    """The code tells how a command ended, also where nobody reads its line, or the disk below it is full."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # what Python would print at its end


def _takes_a_line(stream: TextIO) -> bool:
    try:
        print(file=stream, flush=True)
    except OSError:
        return False
    return True


def _prepare_streams() -> None:
    """Closed ones become empty, for the processes that are started, too, so that no file gets their place; letters that a terminal has not are escaped."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115, it stays open
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _require_readable(words: Sequence[str]) -> None:
    """Raises `UserError` for names that are no text, which neither JSON nor NNI can hold, and without a working
    folder, from which names are read."""
    for word in words:
        if not is_utf8(word):
            raise UserError(f"{word!r} is no UTF-8 text; rename the file or folder")
    try:
        place = os.getcwd()
        if not is_utf8(place):
            raise UserError(f"the working folder {place!r} is no UTF-8 text; rename it")
    except FileNotFoundError as error:
        raise UserError("the working folder is not there any more; change to another one") from error
