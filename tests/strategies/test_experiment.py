"""The NNI experiment of a search, made but not started."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from search_space.errors import UserError
from strategies.experiment import SearchExperiment, check_server, make_experiment, trials_to_recover
from strategies.nni_compat import CandidateModel
from strategies.run_folder import NNI, RunFolder
from strategies.settings import SearchSettings

SETTINGS = SearchSettings(concurrency=3, device="cpu")


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "a run", SETTINGS.to_json())


def made(run, settings=SETTINGS, resume=False) -> SearchExperiment:
    return make_experiment(settings, run, CandidateModel({"normal/op_2_0": ("a", "b")}), None, resume)


def test_all_its_files_are_in_the_run_folder(run):
    config = made(run).config.canonical_copy()
    assert config.experiment_working_directory == str(run.path / "nni")
    assert config.trial_code_directory == str(run.path / "nni" / "code")
    assert config.trial_command == f"{sys.executable} -m strategies.trial_entry"
    assert config.trial_concurrency == 3
    assert config.trial_gpu_number in (None, 0)
    assert config.max_trial_number is None
    assert "darts-global on digits, evolution" in config.experiment_name


def test_gpus_are_not_left_to_nni_which_never_gives_out_the_only_one(run):
    config = made(run, SearchSettings(device="cuda")).config.canonical_copy()
    assert config.trial_gpu_number in (None, 0)


def test_the_folder_that_nni_sends_away_is_not_empty(run):
    made(run)
    assert [path.name for path in (run.path / "nni" / "code").iterdir()] == ["README"]


def test_a_resume_takes_the_experiment_up_again_where_it_began(run):
    assert made(run, resume=True)._action == "create"  # killed before there was one
    run.write(NNI, {"experiment": "abc123xy"})
    assert made(run, resume=True)._action == "create"  # killed before it began
    database = run.path / "nni" / "abc123xy" / "db"
    database.mkdir(parents=True)
    (database / "nni.sqlite").touch()
    assert made(run, resume=True)._action == "create"  # killed before its server wrote anything there
    with closing(sqlite3.connect(database / "nni.sqlite")) as connection, connection:
        connection.execute("create table ExperimentProfile (data)")
        connection.execute("insert into ExperimentProfile values ('{}')")
    resumed = made(run, resume=True)
    assert (resumed.id, resumed._action) == ("abc123xy", "resume")
    assert made(run)._action == "create"


def test_what_nni_runs_again_is_known_by_index(run):
    assert trials_to_recover(run, "abc123xy") == {}  # it was killed before it had a database
    events = [
        ("one", "RUNNING", {"parameter_id": 10, "parameters": {"index": 0}}),
        ("two", "WAITING", {"parameter_id": 11, "parameters": {"index": 1}}),
        ("one", "SUCCEEDED", None),
        ("two", "RUNNING", None),
        ("six", "RUNNING", {"parameter_id": 12, "parameters": {"index": 2}}),
        ("six", "ADD_RESUMED", None),  # taken up before, and lost by a second kill
        ("ten", "WAITING", {"parameter_id": 13, "parameters": {"index": 3}}),
    ]
    database = run.path / "nni" / "abc123xy" / "db" / "nni.sqlite"
    database.parent.mkdir(parents=True)
    with sqlite3.connect(database) as connection:
        connection.execute("create table TrialJobEvent (trialJobId text, event text, data text)")
        rows = [(trial, event, data and json.dumps(data)) for trial, event, data in events]
        connection.executemany("insert into TrialJobEvent values (?, ?, ?)", rows)
    assert trials_to_recover(run, "abc123xy") == {1: 11, 3: 13}


def test_a_server_that_ended_is_said_in_one_line(run):
    experiment = made(run)
    check_server(experiment, run)  # not started
    experiment._proc = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    check_server(experiment, run)
    experiment._proc.kill()
    experiment._proc.wait()
    with pytest.raises(UserError, match=r"server ended by itself \(code -9.*resume") as error:
        check_server(experiment, run)
    assert "\n" not in str(error.value)


def test_settings_reach_json(run):
    assert json.loads(json.dumps(SETTINGS.to_json())) == run.settings()
