"""The NNI experiment of a search, made but not started."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

from execution.nni_bridge.candidates import CandidateModel
from execution.nni_bridge.database import database_of
from execution.nni_bridge.experiment import SearchExperiment, make_experiment
from execution.platforms.contract import make_platform
from execution.settings import SearchSettings
from execution.trials import quick_start
from records.run_files.run_folder import NNI, RunFolder
from tests.execution.nni_bridge.databases import write_database

SETTINGS = SearchSettings(concurrency=3, device="cpu")


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "a run", SETTINGS.to_json())


def made(run, settings=SETTINGS, resume=False) -> SearchExperiment:
    return make_experiment(
        settings, make_platform(settings), run, CandidateModel({"normal/op_2_0": ("a", "b")}), None, resume
    )


def test_all_its_files_are_in_the_run_folder(run):
    config = made(run).config.canonical_copy()
    assert config.experiment_working_directory == str(run.path / "nni")
    assert config.trial_code_directory == str(run.path / "nni" / "code")
    assert config.trial_command == f"{sys.executable} -I {quick_start.__file__} execution.trials.entry"
    assert config.trial_concurrency == 3
    assert config.trial_gpu_number in (None, 0)
    assert config.max_trial_number == SETTINGS.trials  # what the page shows
    assert "darts-global on digits, nsga2" in config.experiment_name


def test_an_interpreter_in_a_folder_with_spaces_is_one_word(run, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/home/a b/it's $me/python")
    command = made(run).config.canonical_copy().trial_command
    assert shlex.split(command) == [
        "/home/a b/it's $me/python",
        "-I",
        quick_start.__file__,
        "execution.trials.entry",
    ]
    said = subprocess.run(["bash", "-c", f"echo {command}"], capture_output=True, text=True)
    assert said.stdout == f"/home/a b/it's $me/python -I {quick_start.__file__} execution.trials.entry\n"


def test_gpus_are_not_left_to_nni_which_never_gives_out_the_only_one(run):
    config = made(run, SearchSettings(device="cuda")).config.canonical_copy()
    assert config.trial_gpu_number in (None, 0)


def test_the_folder_that_nni_sends_away_is_not_empty(run):
    made(run)
    assert [path.name for path in (run.path / "nni" / "code").iterdir()] == ["README"]


def test_a_resume_takes_the_experiment_up_again_where_it_began(run, capsys):
    assert made(run, resume=True)._action == "create"  # killed before there was one
    run.write(NNI, {"experiment": "abc123xy"})
    assert made(run, resume=True)._action == "create"  # killed before it began
    database = database_of(run.path, "abc123xy")
    database.parent.mkdir(parents=True)
    database.touch()
    assert made(run, resume=True)._action == "create"  # killed before its server wrote anything there
    assert "begins anew" in capsys.readouterr().out
    database.unlink()
    write_database(database, "abc123xy", [("one", "SUCCEEDED", 6)])
    resumed = made(run, resume=True)
    assert (resumed.id, resumed._action, resumed.first_number) == ("abc123xy", "resume", 7)
    assert made(run)._action == "create"


def test_settings_reach_json(run):
    assert json.loads(json.dumps(SETTINGS.to_json())) == run.settings()
