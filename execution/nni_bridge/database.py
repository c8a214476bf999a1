"""NNI's database of an experiment: read, and made ready for the experiment to be taken up again.

NNI's server goes on from what it once wrote there: folders, interpreter, limits and the parameters of trials as
they were then, all of which may be otherwise by now (test_a_resume_uses_what_was_stored). So what is stored is
brought in line first, and trials that ran are ended in it: the search submits them anew.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from records.checks import text
from records.errors import UserError
from records.files import naming_damage

_ENDED = {"SUCCEEDED", "FAILED", "USER_CANCELED", "SYS_CANCELED", "EARLY_STOPPED"}
_EVENTS = _ENDED | {
    "WAITING", "RUNNING", "UNKNOWN", "USER_TO_CANCEL", "ADD_CUSTOMIZED", "ADD_HYPERPARAMETER", "ADD_RESUMED", "IMPORT_DATA"
}  # fmt: skip

_UNREADABLE = (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError)


def database_of(run: Path, experiment: str) -> Path:
    """Where NNI keeps the database of an experiment of a run."""
    return run / "nni" / experiment / "db" / "nni.sqlite"


def was_stored(database: Path) -> bool:
    """Whether an experiment came so far that it can be resumed or viewed: its server writes its settings there
    some moments after it makes the file, and fails on a file without them."""
    if not database.is_file():
        return False
    try:
        with closing(_read(database)) as connection:
            return connection.execute("select count(*) from ExperimentProfile").fetchone()[0] > 0
    except _UNREADABLE:
        return False


def recover(database: Path) -> None:
    """Undoes what a killed server had half done, which reading alone cannot."""
    if database.is_file():
        with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
            connection.execute("select count(*) from sqlite_master").fetchone()


def stored_config(database: Path, where: Path) -> dict[str, Any] | None:
    """The configuration of an experiment; None of one that came not so far as `was_stored` says. Raises `UserError` if it
    cannot be read, which is said of ``where``, of which the file is a copy."""
    try:
        with closing(_read(database)) as connection:
            tables = "select count(*) from sqlite_master where name = 'ExperimentProfile'"
            if not connection.execute(tables).fetchone()[0]:
                return None
            newest = connection.execute(
                "select params from ExperimentProfile order by revision desc"
            ).fetchone()
            config = None if newest is None else dict(json.loads(newest[0]))
    except _UNREADABLE as error:
        raise UserError(f"{where} is damaged: {error}") from error
    with naming_damage(where):
        service = None if config is None else config.get("trainingService")
        if config is not None and not isinstance(service, list):
            text("the platform", service.get("platform") if isinstance(service, dict) else service)
    return config


def submitted_trials(database: Path) -> dict[int, dict[str, Any]]:
    """The parameters of every trial that the portal's user submitted to an experiment and has not taken back, by NNI's number
    of it, in order, started or not: NNI's server keeps those that wait in memory alone (portal_edits.js stores the numbers)."""
    if not was_stored(database):
        return {}
    found: dict[int, dict[str, Any]] = {}
    try:
        with closing(_read(database)) as connection:
            rows = connection.execute(
                "select event, sequenceId, data from TrialJobEvent where trialJobId = '' and sequenceId is not null order by rowid"
            )
            for event, number, text in rows:
                if event == "USER_CANCELED":
                    found.pop(int(number), None)
                elif event == "ADD_CUSTOMIZED" and (parameters := _object(text)) is not None:
                    found[int(number)] = parameters
    except _UNREADABLE:
        return {}
    return found


def take_up(database: Path, experiment: str, config: dict[str, Any]) -> int | None:
    """Makes a stored experiment go on with ``config`` and without the trials that ran when it ended.

    Returns the first number that no trial's parameters have; None, and the file as it was, where it holds
    anything that NNI's server would stumble over.
    """
    if not database.is_file():
        return None
    try:
        # For writing: of a server that was killed, what was half done is undone by that.
        with closing(sqlite3.connect(database)) as connection, connection:
            if connection.execute("pragma integrity_check").fetchone()[0] != "ok":
                return None
            last, number, sequence = _trials(connection)
            _require_readable_metrics(connection)
            now = round(1000 * time.time())
            connection.executemany(
                "insert into TrialJobEvent (timestamp, trialJobId, event) values (?, ?, 'SYS_CANCELED')",
                [(now, trial) for trial, event in last.items() if event not in _ENDED],
            )
            _store_profile(connection, experiment, config, sequence)
    except _UNREADABLE:
        return None
    return number


def _trials(connection: sqlite3.Connection) -> tuple[dict[str, str], int, int]:
    """The last event of each trial, and the first free number of parameters and of trials."""
    last: dict[str, str] = {}
    number = sequence = 0
    for stamp, trial, event, data, place in connection.execute(
        "select timestamp, trialJobId, event, data, sequenceId from TrialJobEvent order by rowid"
    ):
        if event not in _EVENTS or not isinstance(trial, str) or not isinstance(stamp, int):
            raise ValueError("an event that NNI does not write")
        if place is not None:
            sequence = max(sequence, _count(place) + 1)
        if not trial:
            continue  # something that was submitted and had not started
        if data is not None and data.strip():
            known = json.loads(data, parse_constant=_refuse)["parameter_id"]
            number = max(number, 0 if known is None else _count(known) + 1)
        last[trial] = "USER_CANCELED" if event == "USER_TO_CANCEL" else event
    return last, number, sequence


def _require_readable_metrics(connection: sqlite3.Connection) -> None:
    """Raises ``ValueError`` for one that is no JSON: NNI's server reads all of them when it starts."""
    for trial, kind, sequence, data in connection.execute(
        "select trialJobId, type, sequence, data from MetricData"
    ):
        if not isinstance(trial, str) or kind not in ("PERIODICAL", "FINAL"):
            raise ValueError("a metric that NNI does not write")
        _count(sequence)
        json.loads(json.loads(data), parse_constant=_refuse)


def _store_profile(
    connection: sqlite3.Connection, experiment: str, config: dict[str, Any], sequence: int
) -> None:
    row = connection.execute(
        "select execDuration, startTime, logDir, revision from ExperimentProfile where id = ? "
        "order by revision desc", (experiment,),
    ).fetchone()  # fmt: skip
    if row is None:
        raise ValueError("no such experiment")
    duration, started, folder, revision = row
    values = (
        json.dumps(config), experiment, _count(duration), _count(started), None, folder, sequence, _count(revision) + 1
    )  # fmt: skip
    connection.execute("insert into ExperimentProfile values (?, ?, ?, ?, ?, ?, ?, ?)", values)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"{value!r} is no count")
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _object(text: Any) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)
