"""The cluster's configuration, by NNI's own classes, and what must be there before anything starts."""

from __future__ import annotations

import json
import os

import pytest
from PIL import Image

from execution.nni_bridge import experiment
from execution.nni_bridge.candidates import CandidateModel
from execution.platforms.contract import make_platform
from execution.platforms.kubernetes import KubernetesPlatform
from execution.settings import SearchSettings
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from tests.execution.platforms.test_cluster import written
from training.data.lookup import dataset_info


@pytest.fixture
def ready(tmp_path, monkeypatch):
    """Settings of a cluster that answers: a kubeconfig, and a kubectl that keeps its words."""
    (tmp_path / "kubeconfig").touch()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "kubectl"
    script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    (tmp_path / "share").mkdir()
    path = written(tmp_path, {"gpus": 1, "memory": "12 GB"}, {"mounted": str(tmp_path / "share")})
    return {"platform": "kubernetes", "cluster": str(path), "host": "10.0.0.5", "concurrency": 3}


def refused(function, *arguments) -> str:
    with pytest.raises(UserError) as error:
        function(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_nni_takes_the_whole_configuration_and_it_is_in_the_run_folder(ready, tmp_path):
    settings = SearchSettings(**ready)
    run = RunFolder.create(tmp_path / "run", settings.to_json())
    made = experiment.make_experiment(
        settings, make_platform(settings), run, CandidateModel({"op": ("a", "b")}), None, False
    )
    canonical = made.config.canonical_copy()  # raises for what its schema does not accept
    kept = json.loads((run.path / "frameworkcontroller.json").read_text())
    assert kept == canonical.json()
    service = kept["trainingService"]
    assert service["platform"] == "frameworkcontroller"
    assert service["storage"] == {
        "storage": "nfs", "storageType": "nfs", "server": "nfs", "path": "/exports",
    }  # fmt: skip
    assert (service["namespace"], service["serviceAccountName"]) == ("default", "frameworkbarrier")
    assert service["reuseMode"] is True
    (role,) = service["taskRoles"]
    assert (role["dockerImage"], role["cpuNumber"], role["gpuNumber"]) == ("registry/pde:1", 2, 1)
    assert role["memorySize"] == "12gb"
    assert (kept["trialConcurrency"], kept["nniManagerIp"]) == (3, "10.0.0.5")
    assert kept["trialCommand"] == 'python3 -m execution.trials.entry 2> "$NNI_SYS_DIR/trial.stderr"'
    assert (run.path / "nni" / "code" / "execution" / "trials" / "entry.py").is_file()  # sent along


def test_what_the_server_is_told(ready, tmp_path):
    platform = KubernetesPlatform(SearchSettings(**ready))
    with platform.serving(9000):
        told = json.loads(os.environ["PDE_NAS_CLUSTER"])
    assert "PDE_NAS_CLUSTER" not in os.environ
    assert told["port"] == 9001
    assert (told["listen"], told["address"], told["mounted"]) == (
        "10.0.0.5",
        "10.0.0.5",
        str(tmp_path / "share"),
    )
    assert len(told["token"]) >= 32
    assert KubernetesPlatform(SearchSettings(**ready)).token != told["token"]
    assert platform.places() == []


def test_what_is_missing_is_said_before_anything_starts(ready, tmp_path, monkeypatch):
    make = lambda **changes: KubernetesPlatform(SearchSettings(**ready | changes))  # noqa: E731
    assert (tmp_path / "asked").exists() is False
    make()
    asked = (tmp_path / "asked").read_text()
    assert "get crd frameworks.frameworkcontroller.microsoft.com" in asked
    assert "get serviceaccount frameworkbarrier -n default" in asked
    assert "host is not given" in refused(lambda: make(host=None))
    (tmp_path / "bin" / "kubectl").write_text("#!/bin/sh\necho 'Error from\nserver (NotFound)' >&2; exit 1\n")
    assert "kubectl get crd failed (Error from server (NotFound)); frameworkcontroller must" in refused(make)
    (tmp_path / "bin" / "kubectl").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert refused(make) == "kubectl is not installed here; platform kubernetes needs it"
    (tmp_path / "kubeconfig").unlink()
    assert f"no kubeconfig in {tmp_path}/kubeconfig" in refused(make)


def test_data_are_on_the_storage(ready, tmp_path):
    assert KubernetesPlatform(SearchSettings(**ready)).prepared_data().info == dataset_info("digits")
    for folder in (None, "/data"):
        platform = KubernetesPlatform(SearchSettings(**ready, dataset="folder", data_dir=folder))
        assert "/tmp/mount/FOLDER" in refused(platform.prepared_data)
    for part in ("train", "val"):
        for name in ("cat", "dog", "eel"):
            folder = tmp_path / "share" / "pets" / part / name
            folder.mkdir(parents=True)
            for number in range(30):
                Image.new("L", (8, 8), number).save(folder / f"{number}.png")
    settings = SearchSettings(**ready, dataset="folder", data_dir="/tmp/mount/pets")
    found = KubernetesPlatform(settings).prepared_data()
    assert (found.info.classes, found.info.image, found.train_images) == (3, (1, 8, 8), 72)


def test_run_folders_that_nni_would_break_on(ready, tmp_path):
    run = RunFolder.create(tmp_path / "my run", {})
    said = refused(
        experiment.make_experiment,
        SearchSettings(**ready),
        make_platform(SearchSettings(**ready)),
        run,
        CandidateModel({"op": ("a", "b")}),
        None,
        False,
    )
    assert "without spaces and quotes" in said


def test_a_trials_files_are_fetched_and_then_forgotten(ready, tmp_path, capsys):
    platform = KubernetesPlatform(SearchSettings(**ready))
    there = tmp_path / "share" / "nni" / "x1" / "trials" / "Ab3de"
    (there / "code").mkdir(parents=True)
    (there / "trial.stderr").write_text("last words")
    folder = tmp_path / "run" / "nni" / "x1"
    platform.fetch(folder, "Ab3de")
    platform.fetch(folder, "Ab3de")
    platform.fetch(folder, "other")
    kept = folder / "environments" / "kubernetes" / "trials"
    assert [path.name for path in kept.rglob("*")] == ["Ab3de", "trial.stderr"]
    platform.clean("x1")
    assert there.exists()
    platform.clean("x1", forget=True)
    assert not there.exists()
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[-1].startswith(
        "delete frameworks.frameworkcontroller.microsoft.com -n default -l app=nni-kub"
    )
    assert "expId=x1" in asked[-1]
    (tmp_path / "bin" / "kubectl").write_text("#!/bin/sh\nexit 1\n")
    platform.clean("x1")
    assert "not cleaned up: kubectl delete" in capsys.readouterr().out
