"""The hub: an NNI experiment whose trials are whole searches, launched, watched and compared in the portal.

A sweep is the same experiment with its searches queued, and ends with the last of them.
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from execution.ending import PATIENCE_SECONDS, end_former, wait_for_end
from execution.follow import Follower
from execution.portal.address import Portal
from execution.portal.hub_rows import SHARED, SMALL, row_of
from execution.portal.rows import waiting
from execution.session import session_of
from execution.settings import PLACES, SearchSettings, all_options, has_option
from execution.trials.last_words import last_words
from records.checks import whole_number
from records.errors import UserError
from records.files import naming_damage
from records.interface.terminal import say
from records.options import checked
from records.run_files.run_folder import RunFolder, new_folder
from records.run_files.search_rows import Row, read_rows, taken_back, write_rows
from records.run_files.settings_file import HUB, MOST_SEARCHES, SETTINGS, SEVERAL, SWEEP
from records.signals import stop_names, termination_as_interrupt, uninterrupted
from records.text import count_text, percent_text
from strategies.registry import strategy_names, strategy_options

_POLL_SECONDS = 1.0
_FREE_ON_RESUME = ("port", *(name for name in SHARED if name != "platform"))
_ENDS = {"SUCCEEDED": "ok", "FAILED": "failed"}


def open_hub(given: dict[str, Any], searches: int, program: str, pages: str | None = None) -> Path:
    """Shows the portal until Ctrl-C, with a small search, but for what is ``given`` by name, as its first; up to
    ``searches`` run at the same time. ``program`` is the module whose command line runs a search, ``pages`` that of our own pages (see `Portal`). Returns never but by ``KeyboardInterrupt``; raises `UserError`."""
    strategy = given.get("strategy", SMALL["strategy"])
    # What is shared may be of a strategy that only later searches have.
    later = {name: given[name] for name in given.keys() & set(SHARED) if not has_option(strategy, name)}
    later = {name: checked(all_options()[name], value) for name, value in later.items()}
    settings = SearchSettings(**SMALL | {name: given[name] for name in given.keys() - later.keys()})
    with Portal(settings.host, settings.port, pages=pages) as portal:
        run = _create(HUB, [("first", row_of(settings))], settings, searches, later)
        _proceed(run, nullcontext(portal), program)
    return run.path


def sweep(
    rows: list[Row],
    all_settings: list[SearchSettings],
    searches: int,
    program: str,
    pages: str | None = None,
) -> Path:
    """Runs every row, by ``program``, in a new hub with ``pages``, whose folder is returned. Raises `UserError`."""
    different = {repr(settings.trial_settings().data_request()): settings for settings in all_settings}
    for settings in different.values():
        session_of(settings).require_data()
    with Portal(all_settings[0].host, all_settings[0].port, pages=pages) as portal:
        run = _create(SWEEP, rows, all_settings[0], searches)
        _proceed(run, nullcontext(portal), program)
    return run.path


def resume_hub(run: RunFolder, given: dict[str, Any], program: str, pages: str | None = None) -> None:
    """Goes on with a hub or a sweep: searches that ended are shown again, the others go on.

    ``given`` are settings named again: where it is shown, and with what means its searches run; the others are
    each search's own. Raises `UserError`.
    """
    others = [name for name in given if name not in _FREE_ON_RESUME]
    if others:
        accepted = ", ".join(f"--{name.replace('_', '-')}" for name in _FREE_ON_RESUME)
        raise UserError(
            f"{run.path} holds several searches, each with its own {', '.join(others)}; accepted: {accepted}"
        )
    settings = run.settings()
    with naming_damage(run.path / SETTINGS):
        for name in settings["shared"].keys() & set(SHARED):
            checked(all_options()[name], settings["shared"][name])
        checked(all_options()["port"], settings.get("port"))
    given = {name: checked(all_options()[name], value) for name, value in given.items()}
    read_rows(run.path)  # says so if they are damaged
    settings["shared"] |= _shared({name: value for name, value in given.items() if name != "port"})
    settings["port"] = given.get("port", settings.get("port"))
    if "data_dir" in given:
        settings["data_moved"] = True  # also of files that still lie where they did
    with run.lock():
        run.revise(settings)
    portal = Portal(settings["shared"].get("host"), settings["port"], pages=pages)
    _proceed(run, portal, program)


def is_hub(run: RunFolder) -> bool:
    """Whether a run folder is that of a hub or a sweep."""
    return run.settings().get("kind") in SEVERAL


def _create(
    kind: str, rows: list[Row], settings: SearchSettings, searches: int, more: dict[str, Any] | None = None
) -> RunFolder:
    searches = whole_number("searches", searches, 1, MOST_SEARCHES)
    path = settings.run_dir or new_folder(Path("runs", f"{datetime.now():%Y%m%d-%H%M%S}-{kind}"))
    shared = _shared({name: getattr(settings, name, None) for name in SHARED} | (more or {}))
    own = {"kind": kind, "searches": searches, "port": settings.port, "shared": shared}
    run = RunFolder.create(path, own)
    write_rows(run.path, rows)
    print(f"Run folder: {run.path}", flush=True)
    return run


def _of_strategies() -> dict[str, Any]:
    """What a row must know of strategies, whose modules it has no time to import: which are ``one_shot``, and which
    settings are ``only_with`` some."""
    only_with = {name: list(having) for name, (_, having) in strategy_options().items()}
    return {"one_shot": list(strategy_names(one_shot=True)), "only_with": only_with}


def _shared(values: dict[str, Any]) -> dict[str, Any]:
    """Those that are given, with paths that mean the same in a row's working folder."""
    given = {name: value for name, value in values.items() if value is not None}
    return given | {name: os.path.abspath(given[name]) for name in PLACES if name in given}


def _proceed(run: RunFolder, opening: AbstractContextManager[Portal], program: str) -> None:
    """Runs what is left of a hub or sweep, in the portal that ``opening`` gives."""
    from execution.nni_bridge.portal_limits import hub_edits
    from execution.portal.row_experiment import RowExperiment

    kind = run.settings()["kind"]
    with stop_names(run.path), run.lock(), termination_as_interrupt(), opening as portal:
        settings = run.settings() | _of_strategies()
        run.revise(settings)
        _keep_waiting(run)
        experiment = RowExperiment(
            run,
            f"{kind} of searches",
            read_rows(run.path),
            module="execution.portal.hub_trial",
            arguments=(str(run.path), program),
            concurrency=settings["searches"],
            portal=portal,
            edits=hub_edits(),
        )
        try:
            with experiment:
                _watch(run, experiment, forever=kind == HUB)
        finally:
            with uninterrupted():
                _end_searches(run)


def _keep_waiting(run: RunFolder) -> None:
    """Adds what was submitted to the former experiment and had not started when it ended."""
    from execution.nni_bridge.database import database_of, recover, submitted_trials

    former = run.experiment()
    if former is not None:
        database = database_of(run.path, former)
        recover(database)
        submitted = submitted_trials(database)
        write_rows(run.path, waiting(read_rows(run.path), former, submitted))


def _watch(run: RunFolder, experiment: Any, *, forever: bool) -> None:
    if forever:
        print(
            "In the portal, Trials detail: copy a search (the icon at its right), change values, submit. "
            "Ctrl-C ends the hub.",
            flush=True,
        )
    told: set[str] = set()
    with tqdm(
        total=len(read_rows(run.path)), unit="search", dynamic_ncols=True, disable=forever or None
    ) as bar:
        while True:
            ended = experiment.ended()
            rows = read_rows(run.path)
            for job in ended:
                if job["trialJobId"] not in told:
                    told.add(job["trialJobId"])
                    say(f"[{len(told)}/{len(rows)}] {_search_line(run, experiment.row_name(job, rows), job)}")
            begun = {experiment.row_name(job, rows) for job in ended}
            gone = taken_back(run.path) - begun
            bar.total = sum(name not in gone for name, _ in rows)
            bar.update(len(ended) - bar.n)
            if not forever and len(ended) >= bar.total:
                return
            time.sleep(_POLL_SECONDS)


def _search_line(run: RunFolder, name: str, job: dict[str, Any]) -> str:
    """What became of a search whose trial ended."""
    words = [f"search {name}: {_ENDS.get(job['status'], 'cancelled')}"]
    if job["status"] == "FAILED":
        said = last_words(run.path / "nni" / str(run.experiment()), job["trialJobId"])
        words[0] += f" ({said.removeprefix('error: ') or 'it said nothing'})"
    outcome = Follower(run.path / "searches" / name).outcome()
    if job["status"] == "SUCCEEDED" and outcome is not None:
        words += [
            f"accuracy {percent_text(outcome['accuracy'])}%",
            f"{count_text(outcome['macs'])} MACs",
            f"{count_text(outcome['params'])} params",
            f"hypervolume {percent_text(outcome['hypervolume'])}%",
        ]
    if "startTime" in job and "endTime" in job:
        words.append(f"{(job['endTime'] - job['startTime']) / 1000:.1f} s")
    return ", ".join(words)


def _searches(run: RunFolder) -> list[RunFolder]:
    return [RunFolder(run.path / "searches" / name) for name, _ in read_rows(run.path)]


def _end_searches(run: RunFolder) -> None:
    """Waits until each search, asked to stop when its trial ended, has done so; ends what is left."""
    end = time.monotonic() + PATIENCE_SECONDS
    for search in _searches(run):
        if wait_for_end(search, end - time.monotonic()) is None:
            end_former(search)  # of one that is at work elsewhere nothing is ours to end
