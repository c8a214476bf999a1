"""The rows of a hub: searches as the portal's form shows them, names and values that are words.

Every value is text, because the form silently drops an edit that turns a number into text. ``default`` leaves
a value to the space, the recipe or the data set. ``rows.jsonl`` in the hub's folder lists them all, ``taken-back.jsonl`` those that waited
and were taken back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from records.checks import shown, text
from records.errors import UserError
from records.files import naming_damage, write_errors
from records.run_files.json_lines import append_line, read_lines
from records.text import command_text

DEFAULT = "default"
ROWS, TAKEN_BACK = "rows.jsonl", "taken-back.jsonl"
Row = tuple[str, dict[str, str]]


def row_options(parameters: dict[str, Any]) -> list[str]:
    """A row as options of the command line; names and values are checked there."""
    return [
        f"--{name.replace('_', '-')}={str(value).strip()}"
        for name, value in parameters.items()
        if str(value).strip() not in ("", DEFAULT)
    ]


def submitted_name(experiment: str, number: int) -> str:
    """The name of a row that the portal's user submitted; ``number`` is the trial's, as the page shows it."""
    return f"submitted-{experiment}-{number}"


def waiting(rows: list[Row], experiment: str, submitted: Mapping[int, dict[str, str]]) -> list[Row]:
    """Of the rows that were ``submitted`` to an experiment, by their trials' numbers, those that never started: they are
    not among the hub's ``rows``."""
    begun = {name for name, _ in rows}
    named = [(submitted_name(experiment, number), parameters) for number, parameters in submitted.items()]
    return [row for row in named if row[0] not in begun]


def take_back(hub: Path, name: str) -> None:
    """Notes that a row that waits is not to begin."""
    append_line(hub / TAKEN_BACK, {"name": name})


def taken_back(hub: Path) -> set[str]:
    """The names of rows that are not to begin. Raises `UserError`."""
    return set(read_lines(hub / TAKEN_BACK, lambda record: text("name", record["name"]), "a name's JSON"))


def write_rows(hub: Path, rows: Iterable[Row]) -> None:
    """Adds rows to the hub's list; each is one write, so that several processes may."""
    path = hub / ROWS
    with write_errors(path), path.open("ab", buffering=0) as file:
        for name, parameters in rows:
            file.write(json.dumps({"name": name, "parameters": parameters}).encode() + b"\n")


def read_rows(hub: Path) -> list[Row]:
    """The rows that the hub was given so far, queued and submitted in the portal; there is always one. Raises `UserError`."""
    path = hub / ROWS
    rows = read_lines(path, _row, "a row's JSON")
    if not rows and not hub.exists():
        raise UserError(f"cannot read {path}: the folder is not there, or not any more")
    names = [name for name, _ in rows]
    with naming_damage(path):
        if not rows:
            raise UserError(
                f"it holds no row; accepted: one or more ({command_text('resume', hub / 'searches' / 'NAME')} goes on with one "
                "of its searches)"
            )
        if twice := [name for name in names if names.count(name) > 1]:
            raise UserError(f"two rows are called {shown(twice[0])}; accepted: different names")
    return rows


def _row(record: Any) -> Row:
    """A row that was written down; its name is that of a folder. Raises `UserError`."""
    name, parameters = text("name", record["name"]), record["parameters"]
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise UserError(f"name is {shown(name)}; accepted: the name of a folder, without a path")
    if not isinstance(parameters, dict):
        raise UserError(f"parameters is {shown(parameters)}; accepted: an object")
    return name, parameters
