"""NNI's database before an experiment is taken up again, in whatever state it is."""

from __future__ import annotations

import importlib.util
import json
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from execution.nni_bridge.database import recover, submitted_trials, take_up, was_stored
from tests.execution.nni_bridge.databases import write_database

CONFIG = {"trialCommand": "new", "trialConcurrency": 2}
TRIALS = [
    ("done", "SUCCEEDED", 4),
    ("ran", "RUNNING", 5),
    ("lost", "ADD_RESUMED", 6),
    ("ended", "USER_TO_CANCEL", 7),
]


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "nni.sqlite"
    write_database(path, "abc", TRIALS)
    return path


def rows(database: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def change(database: Path, statement: str, *values) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement, values)


def test_a_resume_uses_what_was_stored():
    """Of NNI's server: its limits, folders and command are the stored ones, whatever it is told at a resume."""
    found = importlib.util.find_spec("nni_node")
    source = Path(found.submodule_search_locations[0], "core", "nnimanager.js").read_text()
    resume = source[source.index("async resumeExperiment(") :]
    assert (
        "const config = this.experimentProfile.params" in resume[: resume.index("async setClusterMetadata")]
    )


def test_an_experiment_is_taken_up_with_the_present_settings(database):
    assert take_up(database, "abc", CONFIG) == 8
    params, revision, end, duration, sequence = rows(
        database,
        "select params, revision, endTime, execDuration, nextSequenceId from ExperimentProfile order by revision desc",
    )[0]
    assert json.loads(params) == CONFIG
    assert (revision, end, duration, sequence) == (4, None, 40, 4)


def test_trials_that_ran_are_ended_and_the_others_left(database):
    take_up(database, "abc", CONFIG)
    cancelled = "select trialJobId from TrialJobEvent where event = 'SYS_CANCELED' order by rowid"
    assert rows(database, cancelled) == [("ran",), ("lost",)]
    take_up(database, "abc", CONFIG)
    assert len(rows(database, cancelled)) == 2


@pytest.mark.parametrize("recovered_first", [False, True])
def test_what_a_killed_server_left_half_done_is_undone(database, recovered_first):
    """A journal beside the file, as SQLite leaves it when its process is killed within a change."""
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('pragma cache_size = 2'); c.execute('begin')\n"
        "for i in range(3000): c.execute('insert into TrialJobEvent (event) values (?)', ('x' * 500,))\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(database)])
    assert database.with_name("nni.sqlite-journal").is_file()
    assert not was_stored(database)  # by reading alone
    if recovered_first:
        recover(database)
        assert was_stored(database)
    assert take_up(database, "abc", CONFIG) == 8


def test_trials_that_the_portals_user_submitted_have_no_number(database):
    record = json.dumps({"parameter_id": None, "parameter_source": "customized", "parameters": {}})
    change(
        database,
        "insert into TrialJobEvent values (1, 'own', 'RUNNING', ?, '', 9, null, 'local-env')",
        record,
    )
    change(database, "insert into TrialJobEvent values (1, '', 'ADD_CUSTOMIZED', '{}', null, 9, null, null)")
    assert take_up(database, "abc", CONFIG) == 8
    assert rows(database, "select nextSequenceId from ExperimentProfile order by revision desc")[0] == (10,)
    assert submitted_trials(database) == {9: {}}


@pytest.mark.parametrize(
    "statement",
    [
        "update TrialJobEvent set data = 'no json' where trialJobId = 'done'",
        "update TrialJobEvent set data = '[1]' where trialJobId = 'done'",
        "update TrialJobEvent set data = '{\"parameter_id\": NaN}' where trialJobId = 'done'",
        "update TrialJobEvent set event = 'ELSEWHERE' where trialJobId = 'ran'",
        "update TrialJobEvent set sequenceId = 'x' where trialJobId = 'ran'",
        "update TrialJobEvent set trialJobId = null where trialJobId = 'ran'",
        "update MetricData set data = '\"NaN\"'",
        "update MetricData set data = null",
        "update ExperimentProfile set execDuration = -1",
        "update ExperimentProfile set id = 'another'",
        "delete from ExperimentProfile",
        "drop table MetricData",
    ],
)
def test_what_nni_would_stumble_over_is_not_taken_up(database, statement):
    change(database, statement)
    before = database.read_bytes()
    assert take_up(database, "abc", CONFIG) is None
    assert database.read_bytes() == before


def test_no_damage_raises(database):
    """Whatever bytes and values the file has."""
    whole, rng = database.read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole[: rng.choice([len(whole), rng.randrange(len(whole))])])
        for _ in range(rng.choice([0, 1, 40])):
            if damaged:
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        database.write_bytes(damaged)
        database.with_name("nni.sqlite-journal").unlink(missing_ok=True)
        found = take_up(database, "abc", CONFIG)
        assert found is None or found >= 0
        submitted_trials(database)
        was_stored(database)


def test_no_value_raises(database):
    whole, rng = database.read_bytes(), random.Random(1)
    values = [
        None,
        "",
        "x",
        "{}",
        "[]",
        "null",
        "1e999",
        -1,
        2**60,
        0.5,
        b"\xff\x00",
        '{"parameter_id": "x"}',
        '"{}"',
    ]
    columns = {
        "TrialJobEvent": ("timestamp", "trialJobId", "event", "data", "sequenceId", "environmentId"),
        "MetricData": ("trialJobId", "type", "sequence", "data"),
        "ExperimentProfile": (
            "params",
            "id",
            "execDuration",
            "startTime",
            "revision",
            "nextSequenceId",
            "logDir",
        ),
    }
    for _ in range(200):
        database.write_bytes(whole)
        for _ in range(rng.choice([1, 3])):
            table = rng.choice(list(columns))
            column = rng.choice(columns[table])
            where = rng.choice(["", " where rowid = 1", " where rowid = 3"])
            change(database, f"update {table} set {column} = ?{where}", rng.choice(values))
        found = take_up(database, "abc", CONFIG)
        assert found is None or found >= 0
        submitted_trials(database)


def test_what_was_submitted_is_read_in_order(tmp_path, database):
    insert = "insert into TrialJobEvent values (1, '', ?, ?, '', ?, null, null)"
    for number, seed in ((4, 1), (6, 2), (7, 3)):
        change(database, insert, "ADD_CUSTOMIZED", f'{{"seed": {seed}}}', number)
    change(database, insert, "USER_CANCELED", "", 6)
    assert submitted_trials(database) == {4: {"seed": 1}, 7: {"seed": 3}}
    assert was_stored(database)
    assert submitted_trials(tmp_path / "none") == {}
    (tmp_path / "torn").write_text("no database")
    assert not was_stored(tmp_path / "torn")
