"""A view's own folder, and what it takes of the run."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing

import pytest

from execution import runs, viewing
from execution.ending import end_in_order
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from records.run_files.run_lock import locked
from tests.execution.test_session import measured


def snapshot(folder):
    """Every file and folder: when it was changed, and what is in it."""
    found = {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
    return {path: (path.lstat().st_mtime_ns, content) for path, content in found.items()}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A finished run that was in the portal."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    run = RunFolder.create(tmp_path / "run", {"strategy": "random", "trials": 1})
    run.append(measured(0, 0.5))
    run.write("nni.json", {"experiment": "x1", "port": 1, "address": "http://127.0.0.1:1", "process": 1})
    run.write("outcome.json", {})
    experiment = run.path / "nni" / "x1"
    for name in ("db", "log", "environments/local-env/trials/t1"):
        (experiment / name).mkdir(parents=True)
    (experiment / "log" / "nnimanager.log").write_text("what was\n")
    (experiment / "environments/local-env/trials/t1/trial.log").write_text("an epoch\n")
    with closing(sqlite3.connect(experiment / "db" / "nni.sqlite")) as connection:
        connection.execute("create table ExperimentProfile (params text, revision int)")
        connection.execute("insert into ExperimentProfile values ('{}', 1)")
        connection.commit()
    return run


def test_a_view_is_known_after_the_run_was_renamed_and_a_copy_is_not_taken_for_it(run, tmp_path, monkeypatch):
    seen = []

    def show(run, *_):
        shutil.copytree(run.path, tmp_path / "copy")
        seen.append(viewing.view_of(RunFolder(tmp_path / "copy")))
        run.path.rename(tmp_path / "renamed")
        seen.extend(viewing.view_of(RunFolder(tmp_path / name)) for name in ("renamed", "copy"))
        monkeypatch.setattr("execution.ending.end_in_order", lambda folder: ended.append(folder.path) or True)
        assert viewing.end_view(RunFolder(tmp_path / "renamed"))

    ended = []
    before = viewing.view_folder(run)
    monkeypatch.setattr(viewing, "_show", show)
    viewing.view(run, 0, None)
    assert [view and view.process.pid for view in seen] == [None, os.getpid(), None]
    assert ended == [before]


def test_a_view_works_on_a_copy(run, monkeypatch):
    before, seen = snapshot(run.path), []

    def show(run, identity, folder, portal):
        seen.append(runs.status(run))
        assert (folder / identity / "log" / "nnimanager.log").read_text() == "what was\n"
        assert (folder / identity / "environments/local-env/trials/t1/trial.log").read_text() == "an epoch\n"
        with closing(sqlite3.connect(folder / identity / "db" / "nni.sqlite")) as connection:
            connection.execute("delete from ExperimentProfile")
            connection.commit()
        with pytest.raises(
            UserError, match=f"is shown already, at {portal.address}, by process {os.getpid()}"
        ):
            viewing.view(run, 0, None)

    monkeypatch.setattr(viewing, "_show", show)
    for _ in range(2):  # what one leaves does not stand in the way of the next
        viewing.view(run, 0, None)
    for status in seen:
        assert status.state == "finished"
        assert status.portal is None
        assert status.view.process.pid == os.getpid()
        assert f"finished, viewed ({os.getpid()})" in runs.runs_table([status])
        assert status.view.address in runs.runs_table([status])
    after = runs.status(run)
    assert (after.state, after.view) == ("finished", None)
    assert runs.stop(run) == []
    assert snapshot(run.path) == before
    left = [path.name for path in viewing.view_folder(run).iterdir()]
    assert left == [".lock"]


def test_nothing_of_the_run_is_lost_with_the_copy(run):
    folder = viewing.view_folder(run)
    folder.mkdir(parents=True)
    viewing._copy(run, "x1", folder)
    viewing._clear(folder)
    assert (run.path / "nni/x1/environments/local-env/trials/t1/trial.log").is_file()


def test_a_folder_that_others_can_write_is_not_used(run):
    base = viewing.view_folder(run).parent
    base.mkdir(mode=0o777)
    base.chmod(0o777)
    with pytest.raises(UserError, match="no private folder of this user"):
        viewing.view(run, 0, None)
    assert runs.status(run).view is None
    assert runs.stop(run) == []


def test_where_the_temporary_folder_cannot_be_written_one_line_says_so(run, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    with pytest.raises(UserError, match="cannot write /proc/nowhere"):
        viewing.view(run, 0, None)


def test_a_database_that_never_began_is_told(run):
    with closing(sqlite3.connect(run.path / "nni/x1/db/nni.sqlite")) as connection:
        connection.execute("delete from ExperimentProfile")
        connection.commit()
    with pytest.raises(UserError, match="never in the portal"):
        viewing.view(run, 0, None)


def test_what_is_missing_or_damaged_of_what_is_shown_is_told(run):
    def refused(said):
        with pytest.raises(UserError, match=said):
            viewing.view(run, 0, None)

    database = run.path / "nni/x1/db/nni.sqlite"
    kept = database.read_bytes()
    database.write_bytes(b"no database" * 500)
    refused(rf"^{database} is damaged: file is not a database$")
    for params in ("{", "[]", "{}", '{"trainingService": {}}', '{"trainingService": 5}'):
        database.write_bytes(kept)
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("update ExperimentProfile set params = ?", (params,))
            connection.commit()
        refused(f"^{database} is damaged: ")
    (run.path / "nni.json").rename(run.path / "aside")
    refused(rf"nni\.json, which names the experiment of {database}, is not there")
    (run.path / "aside").rename(run.path / "nni.json")
    database.write_bytes(b"")
    refused(f"never in the portal, or {database} was emptied$")
    database.unlink()
    refused(rf"cannot be shown: {database}, where NNI kept it, is not there; .*`report` draws it$")
    for text in ("{", "[]", '{"experiment": 5}', '{"experiment": "../x"}'):
        (run.path / "nni.json").write_text(text)
        refused(r"nni\.json is damaged: it has no experiment's id")
    (run.path / "nni.json").unlink()
    refused("was never in the portal$")


def test_a_run_is_at_the_address_of_its_own_process_alone(run):
    """Until a resumed search is in the portal, nni.json names the address where it once was."""
    with run.lock():
        status = runs.status(run)
        assert (status.state, status.portal) == ("running", None)
        run.write("nni.json", run.read("nni.json") | {"process": os.getpid()})
        assert runs.status(run).portal == "http://127.0.0.1:1"


def test_a_held_folder_without_a_process_that_is_known_is_not_ended(run):
    with locked(run.path, ""):
        (run.path / ".owner").unlink()
        with pytest.raises(
            UserError, match=f"goes on: process {os.getpid()} is at work on it; .* end it yourself"
        ):
            end_in_order(run)


def test_another_users_run_is_not_shown_and_one_line_says_why(run, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _: path.name != "nni.json")
    with pytest.raises(UserError, match=r"nni\.json is for its owner alone to read"):
        runs.view(run, 0, None)
