"""Begins a search, or goes on with one: `search` and `resume` make the session that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from execution.session_contract import Conclude, Session
from execution.settings import PLACES, SearchSettings
from records.errors import UserError
from records.plugins import naming_plugins
from records.run_folder import RunFolder
from strategies.registry import get_strategy
from training.data.datasets import located


def session_of(
    settings: SearchSettings, run: RunFolder | None = None, conclude: Conclude = lambda run: None
) -> Session:
    """The session of a search, of its strategy's kind."""
    if get_strategy(settings.strategy).one_shot:
        from execution.one_shot.session import OneShotSession

        return OneShotSession(settings, run, conclude)
    from execution.multi_trial.session import MultiTrialSession

    return MultiTrialSession(settings, run, conclude)


def search(settings: SearchSettings, conclude: Conclude = lambda run: None) -> Path:
    """Runs a search in a new run folder, whose path is returned; ``conclude`` is called on it at the end, while a
    one-shot search is still shown. Raises `UserError`."""
    return session_of(settings.located(), None, conclude).begin()


# What may be otherwise when a run is taken up again: where it is shown, and with what means it runs.
_FREE_ON_RESUME = (
    "port", "host", "portal", "run_dir", "threads", "trials", "concurrency", "device", "devices", *PLACES,
)  # fmt: skip


def resume(path: Path, given: dict[str, Any], conclude: Conclude = lambda run: None) -> SearchSettings:
    """Goes on with the search in ``path``; ``given`` are settings named again, by name; ``conclude`` as for
    `search`.

    What is named again is kept for the next time, but for where the run is shown. Raises `UserError` if one of
    them differs from the run's and would change its course.
    """
    run = RunFolder.open(path)
    kept = run.settings()
    if missing := {"space", "strategy", "dataset", "trials"} - kept.keys():
        raise UserError(f"{path} holds no search: its settings lack {', '.join(sorted(missing))}")
    if "dataset" in given:
        place = dict(
            zip(("dataset", "data_dir"), located(given["dataset"], given.get("data_dir")), strict=True)
        )
        given = given | {name: value for name, value in place.items() if value is not None}
    differing = [
        f"{name} is {value!r}, in the run {kept.get(name)!r}"
        for name, value in given.items()
        if value != kept.get(name) and name not in _FREE_ON_RESUME
    ]
    if differing:
        raise UserError(
            f"{path} was run with other settings: {'; '.join(differing)}; leave them out to resume"
        )
    with naming_plugins(run.path):
        settings = SearchSettings.from_json(kept | given).located()
    session_of(settings, run, conclude).go_on(given)
    return settings
