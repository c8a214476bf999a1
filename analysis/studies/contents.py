"""What each candidate is made of, as numbers: how often it holds each operation, and its widths and depths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from records.measurement import Measurement
from search_space.contents import is_global, places

_STEPS = re.compile(r"(global(?:_[a-z]+)*)_(\d+)")
PRIMITIVE, PHYSICS, STEPS, SIZE = "operation", "kind of physics", "steps", "size"


@dataclass(frozen=True)
class Contents:
    """``counts`` (candidates, names): how often a candidate has an operation (group `PRIMITIVE`), a kind of physics
    or a number of steps of its global layers (`PHYSICS`, `STEPS`), and the value of each of its sizes (`SIZE`), such as
    ``width`` and ``cells``. ``groups`` are those of the columns, ``names`` their names."""

    groups: tuple[str, ...]
    names: tuple[str, ...]
    counts: np.ndarray

    def of(self, *groups: str) -> Contents:
        """The columns of some groups alone."""
        columns = [place for place, group in enumerate(self.groups) if group in groups]
        return Contents(
            tuple(self.groups[c] for c in columns),
            tuple(self.names[c] for c in columns),
            self.counts[:, columns],
        )

    def varied(self) -> Contents:
        """The columns in which candidates differ."""
        columns = np.flatnonzero(np.ptp(self.counts, axis=0) > 0) if len(self.counts) else np.empty(0, int)
        return Contents(
            tuple(self.groups[c] for c in columns),
            tuple(self.names[c] for c in columns),
            self.counts[:, columns],
        )


def contents(measurements: Sequence[Measurement]) -> Contents:
    """Of candidates, a row each, read from their genotypes' JSON. An operation that one does not have counts 0, a size
    too; operations come first, each group by name."""
    rows = [_row(m.genotype.get("architecture")) for m in measurements]
    order = {group: place for place, group in enumerate((PRIMITIVE, PHYSICS, STEPS, SIZE))}
    keys = sorted({key for row in rows for key in row}, key=lambda key: (order[key[0]], _natural(key[1])))
    counts = np.array([[row.get(key, 0) for key in keys] for row in rows], float).reshape(
        len(rows), len(keys)
    )
    return Contents(tuple(group for group, _ in keys), tuple(name for _, name in keys), counts)


def _row(architecture: Any) -> Counter[tuple[str, str]]:
    row: Counter[tuple[str, str]] = Counter()
    for names in places(architecture):
        for name in (part for whole in names for part in whole.split("+")):
            row[PRIMITIVE, name] += 1
            if is_global(name):
                match = _STEPS.fullmatch(name)
                row[PHYSICS, match[1] if match else name] += 1
                if match:
                    row[STEPS, f"{match[2]} step{'s'[: match[2] != '1']}"] += 1
    for name, value in _sizes(architecture):
        row[SIZE, name] = value
    return row


def _sizes(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, int]]:
    """The whole numbers that have a name; the sources of edges have none."""
    for name, value in part.items() if isinstance(part, dict) else ():
        if type(value) is int:
            yield " ".join((*path, name)), value
        else:
            yield from _sizes(value, path if name == "size" else (*path, name))


def _natural(name: str) -> list[tuple[int, str]]:
    """So that 5 steps come before 10."""
    return [(int(part or 0) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]
