"""The project from Python: what the commands of `run_search.py` do, as functions that return what they leave.

    from pde_nas import SearchSettings, search

    outcome = search(SearchSettings(strategy="random", trials=4, port=0))
    outcome.best.accuracy, outcome.genotype.build()

Each function raises `UserError`, of one line, for a user's mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis import Outcome, report, write_outcome
from execution import session as launch
from execution.portal import hub
from execution.settings import SearchSettings
from records.errors import UserError
from records.run_folder import RunFolder

PROGRAM = "run_search"  # the module whose command line runs a search of a hub or a sweep
__all__ = ["Outcome", "SearchSettings", "UserError", "report", "resume", "search", "sweep"]


def search(settings: SearchSettings, strategy: Any = None) -> Outcome:
    """Runs a search to its end in a new run folder, and leaves there what `run_search.py search` leaves: the front,
    the best genotype, pictures and the report. ``strategy`` is an ``nni.nas.strategy.base.Strategy``, in place of
    the settings' own."""
    if not isinstance(settings, SearchSettings):
        raise UserError(f"settings is of type {type(settings).__name__}; accepted: SearchSettings")
    outcomes: list[Outcome] = []
    launch.search(settings, lambda run: outcomes.append(write_outcome(run, settings.max_macs)), strategy)
    return outcomes[-1]


def resume(run: str | Path, strategy: Any = None, **given: Any) -> Outcome:
    """Goes on with the search, hub or sweep in ``run``; ``given`` are settings named again, by name. ``strategy`` is
    the like of that which the search was given as an object; its name stands in the run."""
    if isinstance(strategy, str):
        strategy, given = None, given | {"strategy": strategy}
    folder = RunFolder.open(run)
    if hub.is_hub(folder):
        return _common(hub.resume_hub(folder, given, PROGRAM), folder.path)
    budget = given.get("max_macs", folder.settings().get("max_macs"))
    outcomes: list[Outcome] = []
    launch.resume(folder.path, given, lambda path: outcomes.append(write_outcome(path, budget)), strategy)
    return outcomes[-1]


def sweep(values: dict[str, str], *, searches: int = 1) -> Outcome:
    """Runs a search for every combination of ``values``, which are texts with commas by setting, ``searches`` at the
    same time; the outcome is that of their common front."""
    from execution.portal.hub_rows import grid

    rows, settings = grid(values)
    finished = hub.sweep(rows, settings, searches, PROGRAM)
    return _common(finished, finished[0].parent.parent if finished else Path("."))


def _common(searches: Sequence[Path], folder: Path) -> Outcome:
    if not searches:
        raise UserError("no search of it came to an end; each one's trial.stderr in the portal says why")
    return report([folder], out=folder)
