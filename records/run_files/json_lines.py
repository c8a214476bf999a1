"""Files with a JSON record a line, to which a line is added at a time: a crash cuts the last one short at most."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from records.errors import UserError
from records.files import naming_damage, read_present, write_errors

T = TypeVar("T")


WITHOUT_IT = "take the line out of the file to go on without it"


def read_lines(path: Path, make: Callable[[Any], T], what: str) -> list[T]:
    """What ``make`` gives for each record; none where there is no file. A last line that was cut short is left out.

    Raises `UserError` for a file that cannot be read and for a line that ``make`` cannot use, which is not ``what`` it
    should be, such as "an epoch's JSON".
    """
    *lines, last = (read_present(path) or b"").split(b"\n")
    if whole_line(last):
        lines.append(last)
    found = []
    for number, line in enumerate(lines, start=1):
        with naming_damage(f"{path}, line {number},"):
            try:
                found.append(make(json.loads(line)))
            except UserError as error:
                raise UserError(f"{error}; {WITHOUT_IT}") from error
            except (
                ValueError,
                LookupError,
                TypeError,
                AttributeError,
                ArithmeticError,
                RecursionError,
            ) as error:
                raise UserError(f"it is not {what}; {WITHOUT_IT}") from error
    return found


def append_line(path: Path, record: Any) -> None:
    """Adds a record, on the disk when this returns. Of a last line without its end, what a crash cut short is taken off,
    for it was never acknowledged; one that is whole, of which an editor took the end, gets it back. Raises `UserError`."""
    with write_errors(path), path.open("a+b") as file:
        size = file.tell()
        file.seek(max(size - 1, 0))
        if size and file.read(1) != b"\n":
            file.seek(0)
            content = file.read()
            start = content.rfind(b"\n") + 1
            if whole_line(content[start:]):
                file.write(b"\n")
            else:
                file.truncate(start)
        file.write(json.dumps(record).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def whole_line(line: bytes) -> bool:
    """Whether a last line that has no end is whole: its record is, where no part of one is JSON."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
