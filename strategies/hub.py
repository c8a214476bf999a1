"""The hub: an NNI experiment whose trials are whole searches, launched, watched and compared in the portal.

A sweep is the same experiment with its searches queued, and ends with the last of them.
"""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from search_space.errors import UserError
from strategies.hub_rows import SHARED, row_of
from strategies.launch import find_data, free_port
from strategies.rows import Row, read_rows, waiting, write_rows
from strategies.run_folder import NNI, OUTCOME, RunFolder
from strategies.settings import SearchSettings
from strategies.signals import termination_as_interrupt, uninterrupted

HUB, SWEEP = "hub", "sweep"
# A first search of some seconds: the page launches a search by copying one.
SMALL: dict[str, Any] = {"strategy": "random", "trials": 2, "epochs": 1, "width": 4, "cells": 2}
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0


def open_hub(settings: SearchSettings, searches: int) -> Path:
    """Shows the portal until Ctrl-C, with ``settings`` as its first search; up to ``searches`` run at the same
    time. Returns never but by ``KeyboardInterrupt``; raises `UserError`."""
    run = _create(HUB, [("first", row_of(settings))], settings, searches)
    _proceed(run, settings.port)
    return run.path


def sweep(rows: list[Row], all_settings: list[SearchSettings], searches: int) -> list[Path]:
    """Runs every row in a new hub; returns the run folders of those that ended well. Raises `UserError`."""
    for settings in {
        repr(settings.trial_settings().data_request()): settings for settings in all_settings
    }.values():
        find_data(settings)
    run = _create(SWEEP, rows, all_settings[0], searches)
    return _proceed(run, all_settings[0].port)


def resume_hub(run: RunFolder, given: dict[str, Any]) -> list[Path]:
    """Goes on with a hub or a sweep: searches that ended are shown again, the others go on.

    ``given`` are settings named again; all but the port are each search's own. Raises `UserError`.
    """
    others = [name for name in given if name != "port"]
    if others:
        raise UserError(
            f"{run.path} holds several searches, each with its own {', '.join(others)}; accepted: --port"
        )
    return _proceed(run, given.get("port", SearchSettings.port))


def is_hub(run: RunFolder) -> bool:
    """Whether a run folder is that of a hub or a sweep."""
    return run.settings().get("kind") in (HUB, SWEEP)


def _create(kind: str, rows: list[Row], settings: SearchSettings, searches: int) -> RunFolder:
    if searches < 1:
        raise UserError(f"searches is {searches}; accepted: a whole number, 1 or more")
    free_port(settings.port)
    path = settings.run_dir or Path("runs", f"{datetime.now():%Y%m%d-%H%M%S}-{kind}")
    values = {name: getattr(settings, name, None) for name in SHARED}
    shared = {name: value for name, value in values.items() if value is not None}
    if "data_dir" in shared:
        shared["data_dir"] = str(Path(shared["data_dir"]).absolute())
    run = RunFolder.create(path, {"kind": kind, "searches": searches, "shared": shared})
    write_rows(run.path, rows)
    print(f"Run folder: {run.path}", flush=True)
    return run


def _proceed(run: RunFolder, port: int) -> list[Path]:
    from strategies.row_experiment import RowExperiment

    settings = run.settings()
    kind, shared = settings["kind"], settings["shared"]
    with run.lock(), termination_as_interrupt():
        _keep_waiting(run)
        experiment = RowExperiment(
            run,
            f"{kind} of searches",
            read_rows(run.path),
            module="strategies.hub_trial",
            arguments=(str(run.path),),
            concurrency=settings["searches"],
            port=free_port(port),
            host=shared.get("host"),
        )
        try:
            with experiment:
                _watch(run, experiment, forever=kind == HUB)
        finally:
            with uninterrupted():
                _end_searches(run)
    return _finished(run)


def _keep_waiting(run: RunFolder) -> None:
    """Adds what was submitted to the former experiment and had not started when it ended."""
    from strategies.nni_compat import submitted_trials

    if (run.path / NNI).is_file():
        former = run.read(NNI)["experiment"]
        submitted = submitted_trials(run.path / "nni" / former / "db" / "nni.sqlite")
        write_rows(run.path, waiting(read_rows(run.path), former, submitted))


def _watch(run: RunFolder, experiment: Any, *, forever: bool) -> None:
    if forever:
        print(
            "In the portal, Trials detail: copy a search (the icon at its right), change values, submit. "
            "Ctrl-C ends the hub.",
            flush=True,
        )
    with tqdm(
        total=len(read_rows(run.path)), unit="search", dynamic_ncols=True, disable=forever or None
    ) as bar:
        while True:
            ended = experiment.ended()
            bar.total = len(read_rows(run.path))
            bar.update(ended - bar.n)
            if not forever and ended >= bar.total:
                return
            time.sleep(_POLL_SECONDS)


def _searches(run: RunFolder) -> list[RunFolder]:
    return [RunFolder(run.path / "searches" / name) for name, _ in read_rows(run.path)]


def _end_searches(run: RunFolder) -> None:
    """Waits until each search, asked to stop when its trial ended, has done so; ends what is left."""
    from strategies.row_experiment import end_former

    end = time.monotonic() + _PATIENCE_SECONDS
    for search in _searches(run):
        while search.owner() is not None and time.monotonic() < end:
            time.sleep(0.1)
        owner = search.owner()
        if owner is not None:
            os.kill(owner, signal.SIGKILL)
        end_former(search)


def _finished(run: RunFolder) -> list[Path]:
    return [search.path for search in _searches(run) if (search.path / OUTCOME).is_file()]
