"""The rows of a hub: searches as the portal's form shows them, names and values that are words.

Every value is text, because the form silently drops an edit that turns a number into text. ``default`` leaves
a value to the space, the recipe or the data set.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from search_space.errors import UserError
from strategies.run_folder import write_errors
from strategies.settings import SearchSettings, option_names, parse_option

DEFAULT = "default"
ROWS = "rows.jsonl"
# Where and with what means a search runs is the hub's business, and the same for all its rows.
SHARED = ("data_dir", "device", "threads", "host", "platform", "hosts", "devices", "cluster")
_HUBS_OWN = ("run_dir", "port", "portal")
Row = tuple[str, dict[str, str]]


def row_names() -> list[str]:
    """The settings that a row shows."""
    return [name for name in option_names() if name not in SHARED + _HUBS_OWN]


def row_of(settings: SearchSettings) -> dict[str, str]:
    """A search as a row."""
    values = {name: getattr(settings, name) for name in row_names()}
    return {name: DEFAULT if value is None else _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def row_options(parameters: dict[str, Any]) -> list[str]:
    """A row as options of the command line; names and values are checked there."""
    return [
        f"--{name.replace('_', '-')}={str(value).strip()}"
        for name, value in parameters.items()
        if str(value).strip() not in ("", DEFAULT)
    ]


def grid(texts: dict[str, str]) -> tuple[list[Row], list[SearchSettings]]:
    """Every combination of the values that ``texts``, option to values with commas, name: rows called after
    what differs among them, and their settings. Raises `UserError` for a value that is wrong."""
    several: dict[str, list[str]] = {}
    for name, text in texts.items():
        alone = name == "primitives" or name not in row_names()
        values = [text] if alone else [value.strip() for value in text.split(",")]
        if len(set(values)) < len(values):
            raise UserError(f"{name} is {text!r}; accepted: different values with commas")
        several[name] = values
    swept = [name for name, values in several.items() if len(values) > 1]
    rows, all_settings = [], []
    for chosen in itertools.product(*several.values()):
        named = dict(zip(several, chosen, strict=True))
        settings = SearchSettings(**{name: parse_option(name, value) for name, value in named.items()})
        title = "_".join(f"{name.replace('_', '-')}-{named[name]}" for name in swept) or "search"
        rows.append((title, row_of(settings)))
        all_settings.append(settings)
    return rows, all_settings


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
    """The rows that the hub was given so far, queued and submitted in the portal."""
    path = hub / ROWS
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [(record["name"], record["parameters"]) for record in map(json.loads, lines)]
