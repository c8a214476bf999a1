"""The poster's table beside the counts of this project's networks, and what each row rests on.

``published.csv`` holds the facts: the poster's numbers as printed, and, where the authors' public code gives
the row, its parameters and published MACs as measured. Its ``classes`` is the number that the counts are for:
the poster gives one count for CIFAR-10 and CIFAR-100, the latter's.
"""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from importlib import resources
from pathlib import Path

from records.files import write_whole
from search_space.paper.counts import printed_cost, remarks
from search_space.paper.networks import INFERRED, published_network

TOLERANCE = 2.0  # percent
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}


@dataclass(frozen=True)
class Fact:
    """A line of ``published.csv``; what is not known is "" or None. ``params``, ``macs``: as printed."""

    table: str
    system: str
    network: str
    dataset: str
    classes: int
    accuracy_percent: float | None
    params: str
    macs: str
    inference_seconds: float | None
    measured_params: int | None
    measured_macs: int | None


@dataclass(frozen=True)
class Row:
    """A row of the poster, what this project's network of that row costs, and how the two stand.

    ``params``, ``macs_published`` and ``macs`` are as the poster counts the network (see `search_space.paper.counts`).
    Differences are in percent of the poster's number. ``standing`` is what the row rests on: ``measured`` for a public
    configuration whose counts are within 2% of those measured on its authors' code, or of the poster; ``quoted`` where
    the poster has another paper's numbers of the network; ``inferred`` where the configuration was chosen by its
    counts, which are within 2% of the poster or round to what it prints, and where the poster prints none; ``guess``
    where the form of the system was chosen so, too. ``reason`` is what there is to know beside the counts.
    """

    table: str
    system: str
    dataset: str
    network: str
    params: int
    macs_published: int
    macs: int
    poster_params: int | None
    poster_macs: int | None
    poster_accuracy: float | None
    params_difference: float | None
    macs_difference: float | None
    standing: str
    reason: str


def facts() -> list[Fact]:
    """All lines of ``published.csv``."""
    text = resources.files("search_space").joinpath("published.csv").read_text(encoding="utf-8")
    lines = []
    for line in csv.DictReader(text.splitlines()):
        whole = {
            name: int(line[name]) if line[name] else None for name in ("measured_params", "measured_macs")
        }
        real = {
            name: float(line[name]) if line[name] else None
            for name in ("accuracy_percent", "inference_seconds")
        }
        lines.append(Fact(**{**line, **whole, **real, "classes": int(line["classes"])}))  # type: ignore[arg-type]
    return lines


def printed_number(text: str) -> tuple[int, int] | None:
    """Value of a printed count and half its last digit: "3.4M" is (3,400,000, 50,000). None for ""."""
    if not text:
        return None
    match = re.fullmatch(r"(\d+)(?:\.(\d+))?([KMB]?)", text)
    if match is None:
        raise ValueError(f"count is {text!r}; accepted: digits, and K, M or B after them")
    unit = _UNITS[match[3]]
    decimals = match[2] or ""
    last = unit // 10 ** len(decimals)
    return int(match[1] + decimals) * last, last // 2


def rows() -> list[Row]:
    """Every row of the poster, in its order."""
    return [_row(fact) for fact in facts()]


@functools.cache
def _row(fact: Fact) -> Row:
    params, macs = printed_number(fact.params), printed_number(fact.macs)
    common = (fact.table, fact.system, fact.dataset, fact.network)
    poster_params, poster_macs = params and params[0], macs and macs[0]
    network = published_network(fact.network)
    cost = printed_cost(network, fact.classes)
    differences = tuple(
        None if said is None else 100.0 * (own / said[0] - 1)
        for own, said in zip((cost.params, cost.macs_published), (params, macs), strict=True)
    )
    standing = INFERRED if params is None else network.basis
    return Row(
        *common, cost.params, cost.macs_published, cost.macs, poster_params, poster_macs,
        fact.accuracy_percent, differences[0], differences[1], standing, remarks(network, fact.classes),
    )  # fmt: skip


def poster_table(poster: Iterable[Row]) -> str:
    """The rows as aligned text, one line each under a heading."""
    heading = ("table", "system", "data set", "network", "params", "MACs (published)", "MACs",
               "poster params", "poster MACs", "diff %", "diff %", "standing")  # fmt: skip
    lines: list[tuple[str, ...]] = [heading]
    for row in poster:
        counts = (row.params, row.macs_published, row.macs, row.poster_params, row.poster_macs)
        shown = ["-" if count is None else f"{count:,}" for count in counts]
        gaps = ["-" if d is None else f"{d:+.1f}" for d in (row.params_difference, row.macs_difference)]
        standing = row.standing + (f": {row.reason}" if row.reason else "")
        lines.append((row.table, row.system, row.dataset, row.network, *shown, *gaps, standing))
    return columns_text(lines, range(4, len(heading) - 1))


def columns_text(lines: Sequence[Sequence[str]], numbers: Container[int]) -> str:
    """Lines in columns, aligned to the right where they are ``numbers``; the last one is as long as it is."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]) - 1)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=False))
        )
        + "  "
        + line[-1]
        for line in lines
    )


def write_csv(poster: Iterable[Row], path: str | Path) -> Path:
    """Writes the rows with a heading. Raises ``UserError`` where it cannot."""
    return write_lines([field.name for field in fields(Row)], map(astuple, poster), path)


def write_lines(heading: Sequence[str], lines: Iterable[Sequence[object]], path: str | Path) -> Path:
    """Writes a CSV file, whole or not at all; None is an empty field. Raises ``UserError`` where it cannot."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(["" if v is None else v for v in line] for line in lines)
    return write_whole(path, text.getvalue())
