"""Files with a measurement a line: read, and checked, the same by whoever needs them."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.checks import finite
from records.errors import UserError
from records.files import read_present
from records.measurement import STATUSES, Measurement
from records.run_files.json_lines import whole_line

MOST = 2**63 - 1
_COUNTS, _TEXTS = ("index", "macs", "macs_published", "params", "seed"), ("trial", "error", "time")
_DECIDING = ("space", "image", "classes", "architecture")  # of a genotype; a later version may add settings


@dataclass(frozen=True)
class DamagedLine:
    """A line of a file, by its number from 1, and why it is no measurement."""

    number: int
    reason: str


def read_measurements(
    path: Path, *, once: bool = True, damaged: list[DamagedLine] | None = None
) -> tuple[tuple[Measurement, ...], int | None]:
    """Those in ``path``, in the order they became known, and the number of a last line that a crash cut short, or None;
    none where there is no file.

    Each candidate stands there ``once``, or each once with a seed and a number of epochs. Raises `UserError` for a damaged
    line, with its number; where there is a list ``damaged``, such lines are left out and added to it.
    """
    content = read_present(path)
    if content is None:
        return (), None
    end = content.rfind(b"\n") + 1
    torn = None if whole_line(content[end:]) or end == len(content) else content.count(b"\n") + 1
    if torn is None:
        end = len(content)
    found: dict[Any, Measurement] = {}
    with _no_collection():
        for number, line in enumerate(_lines(content, end), start=1):
            try:
                measurement = _measurement(line.decode("utf-8"))
                index = measurement.index
                key = index if once else (index, measurement.seed, len(measurement.history))
                if key in found:
                    raise UserError(f"candidate {index} stands there a second time")
            except (ValueError, TypeError, RecursionError) as error:
                reason = error if isinstance(error, UserError) else "it is not a candidate's JSON"
                if damaged is None:
                    raise UserError(f"{path}, line {number}, is damaged: {reason}") from error
                damaged.append(DamagedLine(number, str(reason)))
            else:
                found[key] = measurement
    return tuple(found.values()), torn


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without looking for circles of objects meanwhile: records have none, and looking through 100,000 of them again and
    again takes as long as reading them."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _lines(content: bytes, end: int) -> Iterator[bytes]:
    """Those before ``end``, one at a time: a list of all of them would be the file a second time."""
    start = 0
    while start < end:
        stop = content.find(b"\n", start, end)
        stop = end if stop < 0 else stop
        yield content[start:stop]
        start = stop + 1


# Where the genotype stands in what `Measurement.to_json` gives. A quote within a text has a backslash before it: where
# the end occurs once, it is no text's part.
_HEAD, _END = re.compile(r'\{"index": \d+, "genotype": (?=\{)'), '}, "status": "'


def _measurement(line: str) -> Measurement:
    """A line's, checked. Its genotype, four fifths of it, is kept as text where it stands in its usual place and looks
    whole, and read when it is asked for."""
    head, end = _HEAD.match(line), line.find(_END)
    if head is not None and end > 0 and line.find(_END, end + 1) < 0:
        start, end = head.end(), end + 1
        text = line[start:end]
        if _may_be_whole(text):
            return checked_measurement(json.loads(f"{line[:start]}{{}}{line[end:]}")).with_text(text)
    return checked_measurement(json.loads(line))


def _may_be_whole(text: str) -> bool:
    """Whether brackets and quotes are closed and no byte is one that a disk's fault leaves, such as zeros."""
    closed = text.count("{") == text.count("}") and text.count("[") == text.count("]")
    return closed and text.count('"') % 2 == 0 and text.isprintable()


def read_confirmed(
    path: Path, candidates: Iterable[Measurement], *, damaged: list[DamagedLine] | None = None
) -> tuple[Measurement, ...]:
    """Those in ``path`` of ``candidates`` that were trained again by other seeds.

    Raises `UserError` for a damaged line, with its number: it is of a candidate, has that one's architecture, and not its
    seed; where there is a list ``damaged``, such lines are left out and added to it.
    """
    known = {candidate.index: candidate for candidate in candidates}
    unreadable: list[DamagedLine] = []
    read, _ = read_measurements(path, once=False, damaged=None if damaged is None else unreadable)
    left_out = {line.number for line in unreadable}
    numbers = (number for number in itertools.count(1) if number not in left_out)
    found = []
    for number, measurement in zip(numbers, read, strict=False):
        try:
            _require_confirming(measurement, known)
        except UserError as error:
            if damaged is None:
                raise UserError(f"{path}, line {number}, is damaged: {error}") from error
            unreadable.append(DamagedLine(number, str(error)))
        else:
            found.append(measurement)
    if damaged is not None:
        damaged += sorted(unreadable, key=lambda line: line.number)
    return tuple(found)


def _require_confirming(measurement: Measurement, known: Mapping[int, Measurement]) -> None:
    index, candidate = measurement.index, known.get(measurement.index)
    if candidate is None:
        raise UserError(
            f"index is {index}; accepted: that of a candidate, {', '.join(map(str, known)) or 'none'}"
        )
    if any(measurement.genotype.get(name) != candidate.genotype.get(name) for name in _DECIDING):
        raise UserError(f"its genotype is another than that of candidate {index}, which it is said to be")
    if measurement.seed == candidate.seed:
        raise UserError(
            f"seed is {measurement.seed}, by which candidate {index} was judged; accepted: another one"
        )


def checked_measurement(record: Any) -> Measurement:
    """A measurement whose numbers are numbers: what comes later computes with them and prints them. Raises `UserError`."""
    if not isinstance(record, dict):
        raise UserError("it is no object")
    found = Measurement.from_json(record)
    for name in _COUNTS:
        value = getattr(found, name)
        if type(value) is not int or not 0 <= value <= MOST:
            raise UserError(f"{name} is {value!r:.60}; accepted: a whole number from 0 to 2^63 - 1")
    if found.status not in STATUSES:
        raise UserError(f"status is {found.status!r:.60}; accepted: {', '.join(STATUSES)}")
    if not isinstance(found.genotype, dict):
        raise UserError(f"genotype is {found.genotype!r:.60}; accepted: an object")
    if not is_finite(found.seconds) or found.seconds < 0:
        raise UserError(f"seconds is {found.seconds!r:.60}; accepted: a number, 0 or more")
    if found.latency is not None and (not is_finite(found.latency) or found.latency < 0):
        raise UserError(f"latency is {found.latency!r:.60}; accepted: a number, 0 or more")
    if found.status == "ok" or found.accuracy is not None:
        require_share("accuracy", found.accuracy)
    for value in found.history:
        require_share("history", value)
    for name in _TEXTS:
        value = getattr(found, name)
        if value is not None and not isinstance(value, str):
            raise UserError(f"{name} is {value!r:.60}; accepted: text")
    return found


def is_finite(value: Any) -> bool:
    """Whether it is a number that one can compute with."""
    return type(value) in (int, float) and finite(value)


def require_share(name: str, value: Any) -> None:
    """Raises `UserError` for what is no number in [0, 1]."""
    if not is_finite(value) or not 0 <= value <= 1:
        raise UserError(f"{name} is {value!r:.60}; accepted: a number from 0 to 1")
