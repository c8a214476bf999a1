"""The candidates of a run as they come: what its file has gained since the last look, a row of plain values each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from records.errors import UserError
from records.measurement import STATUSES
from records.run_files.measurement_lines import is_finite
from search_space.contents import global_share

COLUMNS = (
    "index", "status", "accuracy", "macs", "macs_published", "params", "latency", "seconds", "share", "seed", "error",
)  # fmt: skip
_NUMBERS = COLUMNS[2:8]
_MOST_BYTES = 1 << 23  # of one look
_LONGEST = 300  # letters of an error


def new_candidates(path: Path, offset: int) -> dict[str, Any]:
    """What whole lines of ``candidates.jsonl`` say from the byte ``offset`` on.

    ``rows`` of `COLUMNS` (None for what is not known; ``share``, of global layers, and ``accuracy`` in [0, 1], latency in
    milliseconds), ``next``, the offset of the next look, ``more``, whether there is more at once, ``again``, whether the
    file was replaced, so that these are its first, ``lines``, how many there were, and ``damaged``, which of these say
    nothing, by their numbers from 1.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return {"rows": [], "next": 0, "more": False, "again": offset > 0, "lines": 0, "damaged": []}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    with file:
        size = file.seek(0, 2)
        again = offset > size
        start = position = 0 if again else offset
        file.seek(start)
        rows: list[list[Any]] = []
        damaged: list[int] = []
        number, more = 0, False
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                number -= 1
                break  # the rest of it is being written
            position += len(line)
            row = row_of(line)
            if row is not None:
                rows.append(row)
            elif line.strip():
                damaged.append(number)
            if position - start >= _MOST_BYTES:
                more = position < size
                break
        return {
            "rows": rows,
            "next": position,
            "more": more,
            "again": again,
            "lines": number,
            "damaged": damaged,
        }


def row_of(line: bytes) -> list[Any] | None:
    """The row of a line; None for one that is no candidate's."""
    try:
        record = json.loads(line)
        index, status, error = record["index"], record["status"], record.get("error")
        architecture = record["genotype"].get("architecture")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if type(index) is not int or index < 0 or status not in STATUSES:
        return None
    numbers = [record.get(name) if is_finite(record.get(name)) else None for name in _NUMBERS]
    share = global_share(architecture)
    seed = record.get("seed")
    said = None if error is None else " ".join(str(error).split())[:_LONGEST]
    return [
        index,
        status,
        *numbers,
        None if share is None else round(share, 4),
        seed if type(seed) is int else None,
        said,
    ]
