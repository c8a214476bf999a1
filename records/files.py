"""Files that are whole or untouched, and one line for the user where the file system refuses, or what is read is
damaged."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from records.errors import UserError


@contextlib.contextmanager
def write_errors(path: str | Path) -> Iterator[None]:
    """Turns what the file system refuses (read-only, full, no such folder) into a ``UserError``."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; {_remedy(error)}") from error


def _remedy(error: OSError) -> str:
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return "a file and a folder cannot have one name: choose another"
    if error.errno == errno.ENOENT:
        return "the folder is not there, or not any more"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "make it writable, or choose another folder"
    return "free space or choose another folder"


def read_present(path: Path) -> bytes | None:
    """What is in a file; None where there is none. Raises `UserError` for one that cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def read_json(path: Path) -> Any:
    """What is in a file of JSON. Raises `UserError` for one that is missing, cannot be read or is no JSON."""
    content = read_present(path)
    if content is None:
        raise UserError(f"cannot read {path}: there is no such file")
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: it is not JSON") from error


@contextlib.contextmanager
def naming_damage(where: str | Path) -> Iterator[None]:
    """Says of what is wrong with a part of a file, and raised as `UserError`, in which file it stands."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{where} is damaged: {error}") from error


def write_whole(path: str | Path, content: bytes | memoryview | str, *, private: bool = False) -> Path:
    """Writes a file that is whole or as it was before, on the disk when this returns; a ``private`` one can be
    read by its owner alone. A link stays one; what is no file, such as a pipe, or is a stream of this process, is written
    into as it is. Raises ``UserError``."""
    given = path = Path(path)
    with write_errors(path):
        if _is_written_into(path):
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
            return path
        path = Path(os.path.realpath(path)) if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with write_errors(path):
        try:
            mode = 0o600 if private else 0o666
            with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                file.write(content.encode("utf-8") if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:  # Ctrl-C, too
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    return given


def _is_written_into(path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        return not stat.S_ISDIR(found.st_mode)
    for stream in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(found, os.fstat(stream)):
                return True
    return False
