"""Begins a search, or goes on with one: `search` and `resume` make the session that runs it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from execution.session_contract import Conclude, Session
from execution.settings import PLACES, SIZES, SearchSettings, all_options
from records.checks import shown
from records.errors import UserError
from records.plugins import naming_plugins
from records.run_files.run_folder import RunFolder
from records.run_files.settings_file import SETTINGS
from strategies.registry import get_strategy
from training.data.datasets import located


def session_of(
    settings: SearchSettings,
    run: RunFolder | None = None,
    conclude: Conclude = lambda run: None,
    strategy: Any = None,
    pages: str | None = None,
) -> Session:
    """The session of a search, of its strategy's kind; ``strategy`` is one of NNI's, as an object; ``pages`` is the
    module of our own pages in the portal (`execution.pages`). Raises `UserError`."""
    session = _session_of(settings, run, conclude, strategy)
    session.pages = pages
    return session


def _session_of(
    settings: SearchSettings, run: RunFolder | None, conclude: Conclude, strategy: Any
) -> Session:
    if get_strategy(settings.strategy).one_shot:
        from execution.one_shot.session import OneShotSession

        session: Session = OneShotSession(settings, run, conclude)
    else:
        from execution.multi_trial.session import MultiTrialSession

        session = MultiTrialSession(settings, run, conclude)
    session.given = strategy
    return session


def search(
    settings: SearchSettings,
    conclude: Conclude = lambda run: None,
    strategy: Any = None,
    pages: str | None = None,
) -> Path:
    """Runs a search in a new run folder, whose path is returned; ``conclude`` is called on it at the end, while a
    one-shot search is still shown; ``strategy`` is one of NNI's, in place of the settings' own; ``pages`` as for
    `session_of`. Raises `UserError`."""
    settings = asked_by(settings, strategy)
    return session_of(settings.located(), None, conclude, strategy, pages).begin()


def asked_by(settings: SearchSettings, strategy: Any) -> SearchSettings:
    """``settings`` of a search by ``strategy``, one of NNI's; as they are where it is None. Raises `UserError`."""
    if strategy is None:
        return settings
    from strategies.nni_side.users import settings_of

    asked = settings_of(strategy)
    accepted = {field.name for field in dataclasses.fields(get_strategy(asked["strategy"]).Settings)}
    for field in dataclasses.fields(settings.own):
        value, name = getattr(settings.own, field.name), field.name
        if value != field.default and (name not in accepted or asked.get(name, value) != value):
            others = ", ".join(sorted(accepted - asked.keys())) or "none"
            raise UserError(
                f"{name} is {shown(value)}; accepted beside a strategy that is given as an object, settings of "
                f"{asked['strategy']}: {others}"
            )
    return dataclasses.replace(settings, **asked)


# What may be otherwise when a run is taken up again: where it is shown, and with what means it runs.
_FREE_ON_RESUME = (
    "port", "host", "portal", "run_dir", "threads", "trials", "concurrency", "device", "devices",
    "confirm", "confirm_seeds", "confirm_epochs", *PLACES,
)  # fmt: skip


def resume(
    path: Path,
    given: dict[str, Any],
    conclude: Conclude = lambda run: None,
    strategy: Any = None,
    pages: str | None = None,
) -> SearchSettings:
    """Goes on with the search in ``path``; ``given`` are settings named again, by name; ``conclude``, ``strategy`` and
    ``pages`` as for `search`.

    What is named again is kept for the next time, but for where the run is shown. Raises `UserError` if one of
    them differs from the run's and would change its course.
    """
    run = RunFolder.open(path)
    kept = run.settings()
    if missing := {"space", "strategy", "dataset", "trials"} - kept.keys():
        raise UserError(f"{path} holds no search: its settings lack {', '.join(sorted(missing))}")
    if unknown := given.keys() - all_options().keys():
        raise UserError(
            f"a search has no setting {', '.join(sorted(unknown))}; accepted: {', '.join(all_options())}"
        )
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
        try:
            settings = SearchSettings.from_json(kept | _sizes(kept, run.resolved()) | given).located()
        except UserError as error:
            if str(error).partition(" ")[0] in given:
                raise
            raise UserError(f"{run.path / SETTINGS}: {error}") from error
    session_of(settings, run, conclude, strategy, pages).go_on(given)
    return settings


def _sizes(kept: dict[str, Any], resolved: dict[str, Any]) -> dict[str, Any]:
    """Sizes that were left open, as they were when the run began: defaults of this version may be others."""
    space = resolved.get("space") or {}
    if not isinstance(space, dict):
        raise UserError(f"resolved.space is {shown(space)}; accepted: an object")
    open_ones = [name for name in SIZES if kept.get(name) is None and name in space]
    return {name: space[name] for name in open_ones if f"{name}=" not in str(kept.get("setting"))}
