"""Who is at work in a folder: one process at a time, on whatever machine.

The system's lock on ``.lock`` says whether there is one; ``.owner`` beside it says which, and is gone when the
work has ended in order. ``.lock`` holds the bare number as well, for readers of earlier versions.

The lock is freed by the system however its holder ends, and is seen by every container of the machine, and over
NFS. Some shared folders do not pass it on to other machines (sshfs, NFS mounted with ``nolock``). There the
holder's sign of life decides, the time of ``.owner``, which it renews: whoever was killed on another machine
counts as at work for `_SILENCE_SECONDS` more, and the machines' clocks must not differ by as much.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from records.errors import UserError
from records.files import read_json, write_errors, write_whole
from records.run_files.owner import Owner

LOCK, OWNER = ".lock", ".owner"
_TRIES = 10
_SIGN_SECONDS = 15.0
_SILENCE_SECONDS = 90.0


@contextmanager
def locked(folder: Path, advice: str) -> Iterator[None]:
    """While it lasts, this process alone works in ``folder``.

    Raises `UserError`, naming the process and its host and ending with ``advice``, if another one does.
    """
    with write_errors(folder):
        file = (folder / LOCK).open("a+b", buffering=0)  # nothing is left to write when it is closed
    with file:
        for patience in range(_TRIES, -1, -1):  # whoever only looks holds it for a moment
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not patience:
                    raise UserError(_at_work(folder, holder(folder), advice)) from None
                time.sleep(0.1)
            except OSError as error:
                raise UserError(f"{folder / LOCK} cannot be locked ({error.strerror}); accepted: a folder on "
                                "a file system with locks") from error  # fmt: skip
        silent = _of_another_machine(folder)
        if silent is not None:
            raise UserError(_at_work(folder, silent, advice))
        with write_errors(folder):
            (folder / OWNER).unlink(missing_ok=True)
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        write_whole(folder / OWNER, json.dumps(Owner.me().to_json()) + "\n")
        with _signs_of_life(folder / OWNER):
            yield


def holder(folder: Path) -> Owner | None:
    """The process that is at work in ``folder``; None if none is. Changes nothing."""
    try:
        with (folder / LOCK).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _recorded(folder, file.read())
            except OSError:  # no locks there: the record decides
                pass
    except FileNotFoundError:
        return None
    except IsADirectoryError as error:
        raise UserError(f"{folder / LOCK} is a folder; accepted: the file that a search locks") from error
    return _of_another_machine(folder)


def _recorded(folder: Path, number: str) -> Owner:
    pid = int(number) if number.strip().isdecimal() else None
    record = _record(folder)
    return record if record is not None and record.pid == pid else Owner(pid)


def _record(folder: Path) -> Owner | None:
    try:
        return Owner.from_json(read_json(folder / OWNER))
    except ValueError:  # ended in order, or of an earlier version
        return None


def _of_another_machine(folder: Path) -> Owner | None:
    """Who has the folder's record and lives, as far as can be known where the lock may not be seen."""
    record = _record(folder)
    if record is None or record.on_this_machine:
        return None
    try:
        with (folder / OWNER).open() as file:  # opened, so that NFS asks its server
            silence = time.time() - os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    return record if silence < _SILENCE_SECONDS else None


@contextmanager
def _signs_of_life(path: Path) -> Iterator[None]:
    over = threading.Event()

    def give() -> None:
        while not over.wait(_SIGN_SECONDS):
            with contextlib.suppress(OSError):  # a full disk, or a share that is away for a while
                os.utime(path)

    thread = threading.Thread(target=give, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _at_work(folder: Path, owner: Owner | None, advice: str) -> str:
    return f"{owner or 'an unknown process'} is at work on {folder}; {advice}"
