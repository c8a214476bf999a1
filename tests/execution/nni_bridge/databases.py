"""A database as NNI's server writes it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

TABLES = """
create table TrialJobEvent (timestamp integer, trialJobId text, event text, data text, logPath text,
    sequenceId integer, message text, environmentId text);
create table MetricData (timestamp integer, trialJobId text, parameterId text, type text, sequence integer, data text);
create table ExperimentProfile (params text, id text, execDuration integer, startTime integer, endTime integer,
    logDir text, nextSequenceId integer, revision integer);
"""


def write_database(path: Path, experiment: str, trials: Sequence[tuple[str, str, int | None]]) -> None:
    """An experiment with trials (id, last event, number of its parameters), one final metric each that succeeded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(TABLES)
        profile = (
            json.dumps({"trialCommand": "old", "maxTrialNumber": 5}),
            experiment,
            40,
            1000,
            2000,
            "/old",
            9,
            3,
        )
        connection.execute("insert into ExperimentProfile values (?, ?, ?, ?, ?, ?, ?, ?)", profile)
        for place, (trial, event, number) in enumerate(trials):
            record = {"parameter_id": number, "parameters": {"index": place}}
            rows = [
                (1000, trial, "WAITING", json.dumps(record), "/old", place, None, "local-env"),
                (1001, trial, event, None, "/old", place, None, "local-env"),
            ]
            connection.executemany("insert into TrialJobEvent values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            if event == "SUCCEEDED":
                metric = json.dumps(json.dumps({"default": 0.5}))
                row = (1002, trial, str(number), "FINAL", 0, metric)
                connection.execute("insert into MetricData values (?, ?, ?, ?, ?, ?)", row)
