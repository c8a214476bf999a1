"""What is known of a run before its candidates are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.references import references
from records.errors import UserError
from records.run_files.settings_file import begun_searches, read_run_record


def searches_of(run: Path) -> list[Path]:
    """The searches whose candidates a run's front is of: of a hub or sweep those that have begun, by their names; a search
    itself. Raises `UserError`."""
    if "kind" not in read_run_record(run)["settings"]:
        return [run]
    return begun_searches(run)


def run_facts(run: Path) -> dict[str, Any]:
    """``name``, ``strategy``, ``space``, ``dataset`` and ``trials`` as the settings have them (None for what they lack), and
    ``damaged``, what is wrong with them, or None."""
    try:
        settings = read_run_record(run)["settings"]
    except UserError as error:
        return {
            "name": run.name,
            **dict.fromkeys(("strategy", "space", "dataset", "trials")),
            "damaged": str(error),
        }
    texts = {
        name: value if isinstance(value := settings.get(name), str) else None
        for name in ("strategy", "space", "dataset")
    }
    trials = settings.get("trials")
    return {"name": run.name, **texts, "trials": trials if type(trials) is int else None, "damaged": None}


def paper_points(dataset: str | None) -> list[dict[str, Any]]:
    """The paper's networks on a data set, to be drawn beside: test accuracy in [0, 1], MACs by the published count."""
    return [
        {
            "name": one.name,
            "accuracy": one.accuracy,
            "macs_published": one.macs_published,
            "global": one.uses_global_layer,
        }
        for one in references(dataset)
    ]
