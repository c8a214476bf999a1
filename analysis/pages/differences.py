"""In what the runs of a comparison differ: their settings and what they were made with, the equal ones apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.pages import html
from analysis.pages.settings_table import NOTHING, settings_rows
from analysis.run import Run
from records.text import without_paths

_OF_ITSELF = ("started",)  # of no two runs the same, whatever was asked
MOST_BESIDE = 6  # runs that stand beside each other; more stand below each other


@dataclass(frozen=True)
class Differences:
    """``different``: by the name of a setting its value in each run, a dash where a run has none. ``equal``: those that
    all have alike."""

    different: dict[str, tuple[str, ...]]
    equal: dict[str, str]


def differences(runs: Sequence[Run]) -> Differences:
    """Of what was used, where that is known, else of what was asked for; in the order in which the runs name it."""
    records = [_values(run) for run in runs]
    names = dict.fromkeys(name for record in records for name in record)
    values = {name: tuple(record.get(name, NOTHING) for record in records) for name in names}
    return Differences(
        {name: row for name, row in values.items() if len(set(row)) > 1},
        {name: row[0] for name, row in values.items() if len(set(row)) == 1},
    )


def _values(run: Run) -> dict[str, str]:
    settings = {name: asked if used == NOTHING else used for name, asked, used in settings_rows(run)}
    made_with = {key: value_text(v, run) for key, v in run.provenance.items() if key not in _OF_ITSELF}
    return settings | {f"made with: {key}": text for key, text in made_with.items()}


def value_text(value: Any, run: Run) -> str:
    """A value of the run's record as a cell, without absolute paths."""
    if value is None or value == []:
        return NOTHING
    if isinstance(value, Mapping):
        return without_paths(", ".join(f"{name} {inner}" for name, inner in value.items()), run.path)
    return without_paths(value if isinstance(value, str) else json.dumps(value), run.path)


def differences_html(found: Differences, names: Sequence[str]) -> list[str]:
    """Parts of the page; ``names`` are the runs'."""
    if not found.different:
        table = html.paragraph("Their settings are the same.")
    elif len(names) <= MOST_BESIDE:
        rows = [(name, *values) for name, values in found.different.items()]
        table = html.html_table(("setting", *names), rows, names=True)
    else:
        rows = [(name, *(row[run] for row in found.different.values())) for run, name in enumerate(names)]
        table = html.html_table(("run", *found.different), rows, names=True)
    equal = html.html_table(("setting", "all runs"), found.equal.items(), names=True)
    return [
        html.heading("In what the runs differ"),
        table,
        html.folded(f"{len(found.equal)} settings that are the same in all runs", [equal]),
    ]
