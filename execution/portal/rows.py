"""The rows of a hub: searches as the portal's form shows them, names and values that are words.

Every value is text, because the form silently drops an edit that turns a number into text. ``default`` leaves
a value to the space, the recipe or the data set. ``rows.jsonl`` in the hub's folder lists them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from records.errors import UserError
from records.files import write_errors

DEFAULT = "default"
ROWS = "rows.jsonl"
Row = tuple[str, dict[str, str]]


def row_options(parameters: dict[str, Any]) -> list[str]:
    """A row as options of the command line; names and values are checked there."""
    return [
        f"--{name.replace('_', '-')}={str(value).strip()}"
        for name, value in parameters.items()
        if str(value).strip() not in ("", DEFAULT)
    ]


def submitted_name(experiment: str, trial: str) -> str:
    """The name of a row that the portal's user submitted."""
    return f"submitted-{experiment}-{trial}"


def waiting(rows: list[Row], experiment: str, submitted: list[dict[str, str]]) -> list[Row]:
    """Of the rows that were ``submitted`` to an experiment, in order, those that never started: they are not
    among the hub's ``rows``."""
    started = sum(name.startswith(submitted_name(experiment, "")) for name, _ in rows)
    late = enumerate(submitted[started:], start=started)
    return [(submitted_name(experiment, str(number)), parameters) for number, parameters in late]


def write_rows(hub: Path, rows: Iterable[Row]) -> None:
    """Adds rows to the hub's list; each is one write, so that several processes may."""
    path = hub / ROWS
    with write_errors(path), path.open("ab", buffering=0) as file:
        for name, parameters in rows:
            file.write(json.dumps({"name": name, "parameters": parameters}).encode() + b"\n")


def read_rows(hub: Path) -> list[Row]:
    """The rows that the hub was given so far, queued and submitted in the portal. Raises `UserError`."""
    path = hub / ROWS
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    try:
        return [(record["name"], record["parameters"]) for record in map(json.loads, lines)]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged: {error!r}") from error
