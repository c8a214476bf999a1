"""The machines of a search, looked at through a stand-in for ssh."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex

import pytest

from execution.nni_bridge.candidates import CandidateConfig
from execution.platforms import remote
from execution.platforms.remote import RemotePlatform
from execution.platforms.remote_side import MARK
from execution.platforms.ssh import Answer
from execution.settings import SearchSettings
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from training.data.datasets import ARRAY_SETS
from training.data.prepare import PreparedData

FOUND = {
    "python": "3.11.7", "cores": 16, "nni": "3.0", "torch": "2.11.0", "home": "/home/ada", "gpus": 2,
    "source": "/home/ada/.cache/pde-nas/source/0123", "scripts": "/opt/venv/nni/scripts",
    "data": PreparedData(ARRAY_SETS["digits"], 1150, 287, 360).to_json(),
}  # fmt: skip


@pytest.fixture
def platform(tmp_path, monkeypatch):
    """A platform of machines that each tell what is in ``found``; one entry a host."""
    asked = []

    def make(*found, settings=None, hosts=None):
        key = tmp_path / "key"
        key.touch()
        tables = hosts or [{} for _ in found]
        lines = []
        for number, table in enumerate(tables):
            whole = {
                "host": f"gpu{number}",
                "user": "ada",
                "key": str(key),
                "python": "/opt/venv/bin/python",
            } | table
            lines += ["[[host]]", *(f"{name} = {value!r}" for name, value in whole.items())]
        (tmp_path / "hosts.toml").write_text("\n".join(lines))

        def run_there(host, program):
            asked.append((host.host, program))
            told = found[int(host.host[-1])]
            return Answer(f"welcome\n{MARK}{json.dumps(told)}\n", "ssh-ed25519", "SHA256:abc")

        monkeypatch.setattr(remote, "run_there", run_there)
        monkeypatch.setattr(remote, "check_file_transfer", lambda host: None)
        made = RemotePlatform(
            SearchSettings(platform="remote", hosts=str(tmp_path / "hosts.toml"), **(settings or {}))
        )
        made.asked = asked
        return made

    return make


def refused(function) -> str:
    with pytest.raises(UserError) as error:
        function()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_machines_are_looked_at_once_and_offer_their_places(platform, tmp_path):
    made = platform(FOUND, FOUND | {"gpus": 0}, settings={"concurrency": 5})
    assert made.prepared_data() == PreparedData(ARRAY_SETS["digits"], 1150, 287, 360)
    assert made.places() == [{"trials": 3, "gpus": ["0", "1"]}, {"trials": 3, "gpus": []}]
    assert sorted(host for host, _ in made.asked) == ["gpu0", "gpu1"]
    run = RunFolder.create(tmp_path / "run", {})
    made.record(run, None)
    assert json.loads((run.path / "hosts.json").read_text())["ada@gpu1:22"]["gpus"] == []


def test_trials_start_by_the_machines_own_interpreter_and_source(platform, monkeypatch):
    monkeypatch.setenv("PDE_NAS_PLUGINS", "json")
    made = platform(FOUND, settings={"concurrency": 4})
    words = shlex.split(made.machines[0].command())
    assert words[0] == "env"
    assert words[-1] == "/opt/venv/bin/python"
    environment = dict(word.split("=", 1) for word in words[1:-1])
    assert environment == {
        "PDE_NAS_PYTHON": "/opt/venv/bin/python",
        "PYTHONPATH": FOUND["source"],
        "NODE_OPTIONS": " ".join(
            f'--require="{FOUND["source"]}/execution/nni_bridge/server/{name}"'
            for name in ("portal_guard.js", "log_limits.js")
        ),
        "OMP_NUM_THREADS": "4",  # 16 cores among 4 trials
        "PDE_NAS_PLUGINS": "json",
    }
    assert made.trial_command("execution.trials.entry") == '"$PDE_NAS_PYTHON" -m execution.trials.entry'
    trial = made.settings.trial_settings()
    assert (trial.device, trial.threads) == ("auto", 0)  # that machine decides


def test_the_server_is_told_of_the_machines_but_no_passphrase(platform, monkeypatch):
    monkeypatch.setenv("WORD", "open sesame")
    made = platform(FOUND, hosts=[{"passphrase_env": "WORD", "port": 2222}])
    with made.serving(9000):
        (told,) = json.loads(os.environ["PDE_NAS_HOSTS"])
    assert "PDE_NAS_HOSTS" not in os.environ
    assert told["machine"]["port"] == 2222
    assert (told["keyKind"], told["keyFingerprint"]) == ("ssh-ed25519", "SHA256:abc")
    assert told["passphraseEnv"] == "WORD"
    assert "open sesame" not in json.dumps(told)


def test_nni_takes_the_configuration(platform, tmp_path):
    made = platform(FOUND, FOUND)
    config = CandidateConfig(execution_engine="ts", model_format="raw", training_service_platform="remote")
    config.trial_command = made.trial_command("x")
    config.trial_concurrency = 2
    config.trial_code_directory = config.experiment_working_directory = str(tmp_path)
    made.configure(config)
    canonical = config.canonical_copy()
    assert [machine.host for machine in canonical.training_service.machine_list] == ["gpu0", "gpu1"]
    assert canonical.nni_manager_ip == "127.0.0.1"
    assert canonical.trial_gpu_number in (None, 0)


def test_every_machine_that_is_not_ready_is_named(platform):
    made = platform({"error": "no torch"}, FOUND, {"error": "no data"})
    assert refused(made.prepared_data) == "ada@gpu0:22: no torch; ada@gpu2:22: no data"
    assert "nni there is 2.9, here 3.0" in refused(platform(FOUND | {"nni": "2.9"}).prepared_data)
    other = PreparedData(ARRAY_SETS["mnist"], 1150, 287, 360).to_json()
    different = platform(FOUND, FOUND | {"data": other}, settings={"dataset": "folder", "data_dir": "/data"})
    assert refused(different.prepared_data) == "dataset folder is not the same on all machines"


def test_a_resume_on_other_data_is_refused(platform):
    made = platform(FOUND, settings={"dataset": "folder", "data_dir": "/data"})
    digits = ARRAY_SETS["digits"]
    kept = dataclasses.replace(digits, mean=(0.5,))
    assert made.prepared_data(kept).info == kept
    said = refused(lambda: made.prepared_data(ARRAY_SETS["mnist"]))
    assert said.startswith(
        "the data in /data of ada@gpu0:22 are others than the run began with: images are 8x8, "
    )


def test_gpus_that_are_not_there(platform):
    too_many = platform(FOUND, hosts=[{"gpus": [1, 2]}])
    assert "2 GPUs are usable there; asked for: device auto, gpus [1, 2]" in refused(too_many.places)
    none = platform(FOUND | {"gpus": 0}, settings={"device": "cuda"})
    assert "0 GPUs are usable there; asked for: device cuda" in refused(none.places)
    assert platform(FOUND, settings={"device": "cpu"}).places() == [{"trials": 2, "gpus": []}]
    assert platform(FOUND, hosts=[{"gpus": [1]}]).places() == [{"trials": 2, "gpus": ["1"]}]
    assert "accepted with platform remote: auto, cpu, cuda" in refused(
        lambda: platform(FOUND, settings={"device": "cuda:1"})
    )


def test_no_answer_and_a_clean_up_that_fails(platform, capsys, monkeypatch):
    made = platform(FOUND)
    assert refused(lambda: remote.parsed(made.hosts[0], Answer("hello\n", "", ""))) == (
        "ada@gpu0:22: no answer from /opt/venv/bin/python there"
    )
    made.clean("abc", forget=True)
    assert 'answer(\'clean\', json.loads(\'{"experiment": "abc", "forget": true}\'))' in made.asked[-1][1]

    def down(host, program):
        raise UserError("ada@gpu0:22: no connection")

    monkeypatch.setattr(remote, "run_there", down)
    made.clean("abc")
    assert capsys.readouterr().out == "not cleaned up: ada@gpu0:22: no connection\n"
