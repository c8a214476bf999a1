"""Trials in a Kubernetes cluster, by NNI's frameworkcontroller training service.

NNI asks the cluster for a framework (a pod) for each place, and hands trials to the runner in it. Runners
report to this machine, which therefore has to listen to the cluster: on ``--host``, one port above the
portal's, and only to those who know a token (cluster_channel.js); the server itself stays on loopback. Source,
parameters and what a trial leaves go over an NFS folder that is mounted on both sides.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from execution.platforms.cluster import MOUNT, load_cluster
from execution.platforms.shipping import pack_source
from execution.settings import SearchSettings
from records.errors import UserError
from records.plugins import PLUGINS
from records.run_files.run_folder import RunFolder, write_errors
from training.data.datasets import DatasetInfo
from training.data.prepare import PreparedData, prepare_data

REPORT = "frameworkcontroller.json"
_LABEL = "nni-kubernetes-trial"
_RESOURCE = "frameworks.frameworkcontroller.microsoft.com"
_KUBECTL_SECONDS = 30


class KubernetesPlatform:
    """The cluster of ``settings.cluster``, by the user's kubeconfig. Raises `UserError` if it is not ready."""

    def __init__(self, settings: SearchSettings) -> None:
        assert settings.cluster is not None
        self.settings = settings
        self.cluster, self.storage = load_cluster(settings.cluster)
        self._data: PreparedData | None = None
        self.token = secrets.token_urlsafe(24)
        if settings.host is None:
            raise UserError(
                "host is not given; with platform kubernetes it is needed: the address of this machine on which "
                "pods may report (behind a token), such as --host 0.0.0.0"
            )
        self._check_access()

    def _check_access(self) -> None:
        if "KUBERNETES_SERVICE_HOST" not in os.environ:
            config = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
            if not config.is_file():
                raise UserError(f"no kubeconfig in {config}; set KUBECONFIG to a file that names the cluster")
        self._kubectl("get", "crd", _RESOURCE, why="frameworkcontroller must be installed in the cluster")
        self._kubectl(
            "get", "serviceaccount", self.cluster.service_account, "-n", self.cluster.namespace,
            why="service_account in the cluster file must be one of its namespace",
        )  # fmt: skip

    def _kubectl(self, *words: str, why: str) -> None:
        try:
            done = subprocess.run(
                ["kubectl", *words, f"--request-timeout={_KUBECTL_SECONDS}s"],
                capture_output=True,
                text=True,
                timeout=2 * _KUBECTL_SECONDS,
            )
        except FileNotFoundError as error:
            raise UserError("kubectl is not installed here; platform kubernetes needs it") from error
        except subprocess.TimeoutExpired as error:
            raise UserError(f"the cluster does not answer (kubectl {words[0]} {words[1]}); {why}") from error
        if done.returncode != 0:
            said = " ".join(done.stderr.split())[-300:]
            raise UserError(f"kubectl {words[0]} {words[1]} failed ({said}); {why}")

    def prepared_data(self, known: DatasetInfo | None = None) -> PreparedData:
        if self._data is None or known not in (None, self._data.info):
            request = self.settings.trial_settings().data_request()
            self._data = prepare_data(known=known, **request | {"data_dir": self._data_here()})
        return self._data

    def _data_here(self) -> Path | None:
        """Where this machine sees the data that pods read."""
        dataset, folder = self.settings.dataset, self.settings.data_dir
        if dataset == "digits":
            return None
        if folder is None or not Path(folder).is_relative_to(MOUNT):
            raise UserError(
                f"data_dir is {folder!r}; with platform kubernetes and dataset {dataset} it is a folder of the "
                f"storage, as pods see it: {MOUNT}/FOLDER"
            )
        here = Path(self.storage.mounted, Path(folder).relative_to(MOUNT))
        with write_errors(here):
            here.mkdir(parents=True, exist_ok=True)
        return here

    def trial_command(self, module: str) -> str:
        plugins = f"{PLUGINS}='{os.environ[PLUGINS]}' " if PLUGINS in os.environ else ""
        return f'{plugins}python3 -m {module} 2> "$NNI_SYS_DIR/trial.stderr"'

    def configure(self, config: Any) -> None:
        from nni.experiment.config import FrameworkControllerRoleConfig, K8sNfsConfig
        from nni.experiment.config.training_services import FrameworkAttemptCompletionPolicy

        if re.search(r"[\s'\"$`\\]", config.experiment_working_directory):
            raise UserError(
                f"run_dir is below {config.experiment_working_directory!r}; accepted with platform kubernetes: a "
                "path without spaces and quotes"
            )
        with tarfile.open(fileobj=io.BytesIO(pack_source().data)) as archive:
            archive.extractall(config.trial_code_directory)
        cluster, service = self.cluster, config.training_service
        service.storage = K8sNfsConfig(storage_type="nfs", server=self.storage.server, path=self.storage.path)
        service.namespace = cluster.namespace
        service.service_account_name = cluster.service_account
        service.reuse_mode = True
        policy = FrameworkAttemptCompletionPolicy(min_failed_task_count=1, min_succeed_task_count=1)
        service.task_roles = [
            FrameworkControllerRoleConfig(
                name="trial",
                docker_image=cluster.image,
                task_number=1,
                command=config.trial_command,
                gpu_number=cluster.gpus,
                cpu_number=cluster.cpus,
                memory_size=cluster.memory.replace(" ", "").lower(),
                framework_attempt_completion_policy=policy,
            )
        ]
        config.nni_manager_ip = cluster.address

    def places(self) -> list[dict[str, Any]]:
        return []  # NNI deals pods out by itself

    def most_trials(self) -> int | None:
        return None

    @contextmanager
    def serving(self, port: int) -> Iterator[None]:
        known = {
            "listen": self.settings.host,
            "port": port + 1,
            "address": self.cluster.address,
            "token": self.token,
            "mounted": self.storage.mounted,
        }
        with mock.patch.dict(os.environ, {"PDE_NAS_CLUSTER": json.dumps(known)}):
            yield

    def record(self, run: RunFolder, config: Any) -> None:
        run.write(REPORT, config.canonical_copy().json())

    def fetch(self, folder: Path, trial: str) -> None:
        source = Path(self.storage.mounted, "nni", folder.name, "trials", trial)
        if source.is_dir():
            to = folder / "environments" / "kubernetes" / "trials" / trial
            with write_errors(to):
                shutil.copytree(source, to, ignore=lambda *_: ["code"], dirs_exist_ok=True)

    def clean(self, experiment: str, *, forget: bool = False) -> None:
        try:
            self._kubectl(
                "delete", _RESOURCE, "-n", self.cluster.namespace, "-l", f"app={_LABEL},expId={experiment}",
                why="pods of the search may still run",
            )  # fmt: skip
        except UserError as error:
            print(f"not cleaned up: {error}", flush=True)
        if forget:
            shutil.rmtree(Path(self.storage.mounted, "nni", experiment), ignore_errors=True)
