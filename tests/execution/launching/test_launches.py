"""Searches that a page starts: they outlive it, wait for each other, and say why they failed."""

from __future__ import annotations

import time

import pytest

from execution.launching import launches, start
from execution.launching.launches import BEGUN, FAILED, STARTING, WAITING
from execution.settings import SearchSettings
from records.errors import UserError
from records.run_files.run_folder import NNI, RunFolder
from records.run_files.run_lock import locked

PROGRAM = "tests.execution.launching.quick_program"


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    """A private folder of the test's own; what it leaves running ends with the file ``hold``."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "runs").mkdir()
    yield tmp_path / "runs"
    (tmp_path / "runs" / "hold").unlink(missing_ok=True)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)


def state(run):
    known = launches.launch_of(run)
    return None if known is None else known.state


def begin(run, after=None, command="search"):
    return launches.start([command, f"--run-dir={run}"], PROGRAM, run, after, resumes=False)


def test_one_waits_for_a_run_begins_and_is_forgotten(private):
    former = RunFolder.create(private / "former", {"strategy": "random", "trials": 1})
    run = private / "next"
    with locked(former.path, "it works"):
        assert begin(run, former.path).state == WAITING
        time.sleep(1.5)
        assert state(run) == WAITING
        (listed,) = launches.launches(private)
        assert (listed.run, listed.after, listed.error) == (run, former.path, None)
        assert not run.exists()
    wait_for(lambda: state(run) in (BEGUN, None))
    wait_for(lambda: launches.launches(private) == [])
    assert RunFolder.open(run).settings()["trials"] == 2


def test_one_that_fails_says_why_until_it_is_taken_off(private):
    run = private / "run"
    begin(run, command="fail")
    wait_for(lambda: state(run) == FAILED)
    (listed,) = launches.launches(private)
    assert listed.error == "width is -3; accepted: a whole number, 1 or more"
    assert launches.end(listed.name)
    assert launches.launches(private) == []
    assert not launches.end(listed.name)


def test_one_that_waits_can_be_taken_back(private):
    former = RunFolder.create(private / "former", {"strategy": "random", "trials": 1})
    with locked(former.path, "it works"):
        made = begin(private / "next", former.path)
        time.sleep(1.0)
        assert launches.end(made.name)
        assert launches.launches(private) == []
    time.sleep(1.5)
    assert not (private / "next").exists()


def test_one_at_work_goes_on_without_who_started_it(private):
    (private / "hold").touch()
    run = private / "run"
    begin(run)
    wait_for(lambda: state(run) == BEGUN)
    owner = RunFolder(run).owner()
    assert owner is not None
    (private / "hold").unlink()
    wait_for(lambda: RunFolder(run).owner() is None)


def test_a_run_is_resumed_once(private):
    here = RunFolder.create(private / "here", {"strategy": "random", "trials": 1})
    run = RunFolder.create(private / "run", {"strategy": "random", "trials": 1})
    (private / "hold").touch()
    resumed = []
    original = launches.start

    def as_the_quick_program(words, program, path, after, *, resumes):
        resumed.append(words)
        return original(["resume", f"--run-dir={words[1]}"], program, path, after, resumes=resumes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launches, "start", as_the_quick_program)
        assert start.go_on(here.path, run, PROGRAM) == "run is resumed"
    assert resumed == [["resume", str(run.path), "--port=0"]]
    assert state(run.path) in (STARTING, BEGUN)
    with pytest.raises(UserError, match=r"run is (starting|at work) already"):
        start.go_on(here.path, run, PROGRAM)
    wait_for(lambda: state(run.path) == BEGUN)
    with pytest.raises(UserError, match="run is at work already"):
        start.go_on(here.path, run, PROGRAM)


def test_a_search_is_started_with_what_differs_from_the_usual(private, monkeypatch):
    words = []
    monkeypatch.setattr(launches, "start", lambda *given, **named: words.append((given, named)))
    here = RunFolder.create(private / "here", {"strategy": "random", "trials": 1})
    texts = {
        "width": "4",
        "cells": "2",
        "trials": "3",
        "strategy": "evolution",
        "population": "4",
        "setting.nodes": "2",
    }
    folder, said = start.launch(here.path, private, texts, PROGRAM, waits=True)
    ((given, named),) = words
    assert given[0][:3] == ["search", f"--run-dir={folder}", "--port=0"]
    assert set(given[0][3:]) == {
        "--strategy=evolution", "--width=4", "--cells=2", "--trials=3", "--population=4", "--setting=nodes=2",
    }  # fmt: skip
    assert given[1:] == (PROGRAM, folder, None)
    assert named == {"resumes": False}
    assert folder.parent == private
    assert said.endswith("starts at once")
    with pytest.raises(start.Refused) as refused:
        start.launch(here.path, private, {"width": "0"}, PROGRAM, waits=False)
    assert refused.value.errors == {"width": "width is 0; accepted: a whole number, 1 or more"}


def test_where_a_portal_is_behind_a_token_what_it_starts_is_too(private, monkeypatch):
    run = RunFolder.create(private / "run", {"strategy": "random", "host": "0.0.0.0"})
    assert start.host_of(run.path) is None
    monkeypatch.setattr(start, "own_portal", lambda _: "http://ada:8080/?token=abc")
    assert start.host_of(run.path) == "0.0.0.0"
    bare = RunFolder.create(private / "bare", {"strategy": "random"})
    assert start.host_of(bare.path) == "ada"


def test_names_of_run_folders_are_never_taken(private, monkeypatch):
    settings = SearchSettings(strategy="random")
    first = start.new_run_folder(private, settings)
    first.mkdir()
    second = start.new_run_folder(private, settings)
    assert second not in (first, None)
    assert second.parent == private
    assert "digits-random" in second.name


def test_a_hub_is_given_a_row_with_its_own_data_folder(private, monkeypatch):
    shared = {"device": "cpu", "platform": "local", "threads": 0}
    hub = RunFolder.create(private / "hub", {"kind": "hub", "searches": 1, "shared": shared})
    hub.write(NNI, {"experiment": "exp", "port": 1, "address": "", "process": 0})
    asked = []

    def answer(address, body=None):
        asked.append((address, body))
        if body is not None:
            return {"sequenceId": 7}
        return [{"sequenceId": 7, "trialJobId": "abc", "status": "RUNNING"}]

    monkeypatch.setattr(start, "_asked", answer)
    monkeypatch.setattr(start, "is_hub_at_work", lambda _: True)
    texts = {"width": "4", "trials": "3", "data_dir": str(private), "device": "cpu"}
    folder, said = start.launch(hub.path, private, texts, PROGRAM, waits=False)
    assert folder == hub.path / "searches" / "submitted-exp-7"
    assert said == "submitted-exp-7 starts at once"
    address, row = asked[0]
    assert address == "http://127.0.0.1:1/api/v1/nni/trial-jobs"
    assert (row["width"], row["trials"], row["cells"]) == ("4", "3", "default")
    assert row["data_dir"] == str(private)
    assert "device" not in row  # it is the hub's
    assert all(isinstance(value, str) for value in row.values())
