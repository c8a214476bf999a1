"""The rows of a hub: searches as the portal's form shows them, names and values that are words.

Every value is text, because the form silently drops an edit that turns a number into text. ``default`` leaves
a value to the space, the recipe or the data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from records.run_files.search_rows import Row

DEFAULT = "default"


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
