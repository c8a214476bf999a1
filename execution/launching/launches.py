"""Searches launched from a page, as processes of their own: who waits, who begins, who could not.

A launch has a folder of its own in this user's private one: ``launch.json`` (what is to run, where, after what), ``log``
(what it said), ``began``, ``ended.json`` (its exit code), and the lock of `execution.launching.waiter`, the process that waits and
then runs it. The run folder itself is the search's to make.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execution.ending import end_in_order
from execution.launching.files import BEGAN, ENDED, LAUNCH, LOG
from execution.own_python import module_command
from records.checks import shown, text
from records.errors import UserError
from records.files import read_json, write_errors
from records.private_folder import private_folder
from records.run_files.run_folder import RunFolder, write_json
from records.run_files.run_lock import LOCK, holder
from records.run_files.settings_file import SETTINGS

WAITING, STARTING, FAILED, BEGUN = "waiting", "starting", "failed", "begun"
_KEPT_SECONDS = 24 * 3600.0  # of one that failed, so that somebody reads why
_BEGINNING_SECONDS = 10.0  # in which a waiter takes its lock
_TRIES = 50
_LONGEST = 300  # characters of an error that is shown


@dataclass(frozen=True)
class Launch:
    """``run`` is the folder it makes or goes on with, ``after`` the run for whose end it waits, ``resumes`` whether it
    goes on. ``state``: waiting, starting, begun (the run's own files tell more), or failed with ``error``."""

    name: str
    run: Path
    after: Path | None
    resumes: bool
    state: str
    error: str | None


def start(words: Sequence[str], program: str, run: Path, after: Path | None, *, resumes: bool) -> Launch:
    """Starts ``program`` (a module) with these words, once the run ``after`` has ended, as a process that outlives this one.
    Raises `UserError` where its files cannot be written."""
    folder = _base() / f"{time.time_ns():x}-{secrets.token_hex(4)}"
    with write_errors(folder):
        folder.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _base()  # whose it is is seen once it is there
        folder.mkdir(mode=0o700, parents=True)
        record = {
            "words": list(words), "program": program, "run": str(run), "after": None if after is None else str(after),
            "resumes": resumes, "folder": os.getcwd(),
        }  # fmt: skip
        write_json(folder / LAUNCH, record, private=True)
        with (folder / LOG).open("wb") as log:
            subprocess.Popen(
                module_command("execution.launching.waiter", str(folder)),
                env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
    return _launch(folder, record)


def _environment() -> dict[str, str]:
    """Without what is the portal's or an experiment's: the search has its own."""
    own = ("NNI_", "PDE_NAS_EDITS", "PDE_NAS_PLACES", "PDE_NAS_PAGES", "PDE_NAS_VERSIONS", "NODE_OPTIONS")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


def launches(base: Path) -> list[Launch]:
    """Those whose run is in ``base`` (or in a hub there), the oldest first; what has ended well, or failed a day ago, is
    forgotten."""
    return [
        launch for folder, launch in _all() if base in launch.run.parents and not _forgotten(folder, launch)
    ]


def launch_of(run: Path) -> Launch | None:
    """The latest launch of a run folder that is not forgotten; None if there is none."""
    found = [launch for folder, launch in _all() if launch.run == run and not _forgotten(folder, launch)]
    return found[-1] if found else None


def end(name: str) -> bool:
    """Ends a launch that waits or starts, and forgets it, also one that failed; whether there is one of that name."""
    for folder, launch in _all():
        if launch.name == name:
            _end_waiter(RunFolder(folder))
            shutil.rmtree(folder, ignore_errors=True)
            return True
    return False


def _end_waiter(folder: RunFolder) -> None:
    """Ends the process of a launch; one that begins or ends just now has not said, or no longer says, which it is."""
    for patience in range(_TRIES, -1, -1):
        try:
            end_in_order(folder)
            return
        except UserError:
            if not patience:
                raise
            time.sleep(0.1)


def _base() -> Path:
    return private_folder() / "launches"


def _all() -> Iterator[tuple[Path, Launch]]:
    for folder in sorted(_base().glob("*")):
        with contextlib.suppress(
            UserError, KeyError, TypeError, OSError
        ):  # it is just being made, or removed
            yield folder, _launch(folder, read_json(folder / LAUNCH))


def _launch(folder: Path, record: dict[str, Any]) -> Launch:
    run, after = Path(text("run", record["run"])), record["after"]
    awaited = None if after is None else Path(after)
    state, error = _state(folder, run, awaited, bool(record["resumes"]))
    return Launch(folder.name, run, awaited, bool(record["resumes"]), state, error)


def _state(folder: Path, run: Path, after: Path | None, resumes: bool) -> tuple[str, str | None]:
    if (folder / ENDED).is_file():
        code = read_json(folder / ENDED)["code"]
        return (FAILED, last_line(folder / LOG)) if code not in (0, 130) else (BEGUN, None)
    if holder(folder) is None and time.time() - folder.stat().st_mtime > _BEGINNING_SECONDS:
        return FAILED, last_line(folder / LOG)
    if not (folder / BEGAN).exists() and after is not None:
        return WAITING, None
    begun = (run / SETTINGS).is_file() and (not resumes or _newer(run / LOCK, folder / BEGAN))
    return (BEGUN if begun else STARTING), None


def _newer(lock: Path, start: Path) -> bool:
    """Whether a run's lock was taken since a start."""
    try:
        return lock.stat().st_mtime >= start.stat().st_mtime
    except OSError:
        return False


def _forgotten(folder: Path, launch: Launch) -> bool:
    """Whether nobody needs it any more; then it is removed."""
    ended = (folder / ENDED).is_file()
    old = launch.state == FAILED and time.time() - folder.stat().st_mtime > _KEPT_SECONDS
    if old or (ended and launch.state == BEGUN):
        shutil.rmtree(folder, ignore_errors=True)
        return True
    return False


def last_line(log: Path) -> str:
    """Why a search ended, by what it said: its error, else its last line."""
    try:
        return last_error(log.read_text(errors="replace"))
    except OSError:
        return "it said nothing"


def last_error(said: str) -> str:
    """The last line of what a program said that tells an error, else the last one; in one line, cut where it is long."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    found = (errors or lines or ["it said nothing"])[-1].removeprefix("error: ")
    return found if len(found) <= _LONGEST else shown(found, _LONGEST)
