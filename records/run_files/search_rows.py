"""The searches that a hub or a sweep was asked for: ``rows.jsonl`` in its folder lists them all, ``taken-back.jsonl``
those that waited and were taken back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from records.checks import shown, text
from records.errors import UserError
from records.files import naming_damage, write_errors
from records.run_files.json_lines import append_line, read_lines
from records.run_files.run_folder import OUTCOME
from records.run_files.settings_file import SEARCHES, begun_searches
from records.text import command_text

ROWS, TAKEN_BACK = "rows.jsonl", "taken-back.jsonl"
Row = tuple[str, dict[str, str]]  # its name, which is that of a folder, and its settings


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
                f"it holds no row; accepted: one or more ({command_text('resume', hub / SEARCHES / 'NAME')} goes on with one "
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


def asked_searches(hub: Path) -> list[Path]:
    """The folders of the searches that were not taken back, begun or not. Raises `UserError`."""
    gone = taken_back(hub)
    return [hub / SEARCHES / name for name, _ in read_rows(hub) if name not in gone]


def unfinished_searches(hub: Path) -> list[str]:
    """The names of those of them that have not come to an end; where nothing says what was asked for, of those that
    have begun. Raises `UserError`."""
    searches = asked_searches(hub) if (hub / ROWS).exists() else begun_searches(hub)
    return [path.name for path in searches if not (path / OUTCOME).is_file()]
