"""Trials on other machines, over SSH, by NNI's remote training service.

NNI connects to each machine, starts a keeper there, and that one the trials. Nothing listens beyond loopback
on either side: the keeper reports through a tunnel in the SSH connection (remote_worker.js). Each machine
gets this side's source and runs it by the interpreter that the hosts file names; nothing is installed there.
"""

from __future__ import annotations

import base64
import dataclasses
import inspect
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

from execution.platforms import remote_side
from execution.platforms.hosts import Host, load_hosts, shares
from execution.platforms.shipping import pack_source
from execution.platforms.ssh import Answer, check_file_transfer, run_there
from execution.settings import SearchSettings
from records.errors import UserError
from records.plugins import PLUGINS
from records.run_files.run_folder import RunFolder, provenance
from training.data.datasets import DatasetInfo, same
from training.data.prepare import PreparedData

REPORT = "hosts.json"


@dataclass(frozen=True)
class Machine:
    """A host that was looked at: ``found`` is what `execution.platforms.remote_side` tells of it."""

    host: Host
    found: dict[str, Any]
    key_kind: str
    key_fingerprint: str
    trials: int
    gpus: tuple[int, ...]

    def command(self) -> str:
        """What starts a Python there, for any shell: the interpreter in the environment of trials."""
        source = self.found["source"]
        preloads = (
            f"{source}/execution/nni_bridge/server/{name}" for name in ("portal_guard.js", "log_limits.js")
        )
        environment = {
            "PDE_NAS_PYTHON": self.host.python,
            "PYTHONPATH": source,
            "NODE_OPTIONS": " ".join(f'--require="{path}"' for path in preloads),
            "OMP_NUM_THREADS": str(max(1, self.found["cores"] // self.trials)),
        }
        if PLUGINS in os.environ:
            environment[PLUGINS] = os.environ[PLUGINS]
        words = [f"'{name}={value}'" for name, value in environment.items()]
        return " ".join(["env", *words, f"'{self.host.python}'"])

    def for_worker(self) -> dict[str, Any]:
        """What remote_worker.js needs to know."""
        host = self.host
        return {
            "machine": {
                "host": host.host,
                "port": host.port,
                "user": host.user,
                "sshKeyFile": str(host.key_file),
                "useActiveGpu": True,
                "maxTrialNumberPerGpu": 1,
                "pythonPath": os.path.dirname(host.python),
            },
            "python": self.command(),
            "nni": self.found["nni"],
            "scripts": self.found["scripts"],
            "keyKind": self.key_kind,
            "keyFingerprint": self.key_fingerprint,
            "passphraseEnv": host.passphrase_env,
        }


class RemotePlatform:
    """The machines of ``settings.hosts``; they are looked at when something of them is first asked for."""

    def __init__(self, settings: SearchSettings) -> None:
        assert settings.hosts is not None
        self.settings = settings
        self.hosts = load_hosts(settings.hosts)
        self.trials = shares(self.hosts, settings.concurrency)
        if settings.device not in ("auto", "cpu", "cuda"):
            raise UserError(
                f"device is {settings.device!r}; accepted with platform remote: auto, cpu, cuda (which GPUs, says "
                "the hosts file)"
            )

    @cached_property
    def machines(self) -> tuple[Machine, ...]:
        """All of them, ready for trials. Raises `UserError`, one line, naming every host that is not."""
        with ThreadPoolExecutor(len(self.hosts)) as pool:
            looks = [pool.submit(self._look, *pair) for pair in zip(self.hosts, self.trials, strict=True)]
        errors = [str(look.exception()) for look in looks if isinstance(look.exception(), UserError)]
        if errors:
            raise UserError("; ".join(errors))
        machines = tuple(look.result() for look in looks)
        if any(machine.found["data"] != machines[0].found["data"] for machine in machines):
            raise UserError(f"dataset {self.settings.dataset} is not the same on all machines")
        return machines

    def prepared_data(self, known: DatasetInfo | None = None) -> PreparedData:
        found = PreparedData.from_json(self.machines[0].found["data"])
        if known is None:
            return found
        where = f"{self.settings.data_dir} of {self.machines[0].host.name}"
        return dataclasses.replace(found, info=same(known, found.info, where))

    def _look(self, host: Host, trials: int) -> Machine:
        archive = pack_source()
        given = {
            "archive": base64.b64encode(archive.data).decode(),
            "name": archive.name,
            "needed": remote_side.NEEDED,
            "data": self.settings.trial_settings().data_request(),
            "plugins": os.environ.get(PLUGINS),
        }
        answer = run_there(host, program("look", given))
        found = parsed(host, answer)
        if "error" in found:
            raise UserError(f"{host.name}: {found['error']}")
        check_file_transfer(host)
        if found["nni"] != provenance()["versions"]["nni"]:
            raise UserError(
                f"{host.name}: nni there is {found['nni']}, here {provenance()['versions']['nni']}"
            )
        return Machine(host, found, answer.key_kind, answer.key_fingerprint, trials, self._gpus(host, found))

    def _gpus(self, host: Host, found: dict[str, Any]) -> tuple[int, ...]:
        if self.settings.device == "cpu":
            return ()
        gpus = tuple(range(found["gpus"])) if host.gpus is None else host.gpus
        if max(gpus, default=-1) >= found["gpus"] or (self.settings.device == "cuda" and not gpus):
            raise UserError(
                f"{host.name}: {found['gpus']} GPUs are usable there; asked for: device {self.settings.device}, "
                f"gpus {'all' if host.gpus is None else list(host.gpus)}"
            )
        return gpus

    def trial_command(self, module: str) -> str:
        return f'"$PDE_NAS_PYTHON" -m {module}'  # each machine has its own

    def configure(self, config: Any) -> None:
        """Fills in NNI's configuration, whose training service is ``remote``."""
        from nni.experiment.config import RemoteMachineConfig

        config.training_service.machine_list = [
            RemoteMachineConfig(
                host=host.host,
                port=host.port,
                user=host.user,
                ssh_key_file=str(host.key_file),
                python_path=os.path.dirname(host.python),
            )
            for host in self.hosts
        ]
        config.nni_manager_ip = "127.0.0.1"  # the far end of the tunnel

    def places(self) -> list[dict[str, Any]]:
        return [{"trials": m.trials, "gpus": list(map(str, m.gpus))} for m in self.machines]

    def most_trials(self) -> int | None:
        return sum(m.trials for m in self.machines)

    @contextmanager
    def serving(self, port: int) -> Iterator[None]:
        """Environment in which NNI's server finds the machines."""
        hosts = json.dumps([machine.for_worker() for machine in self.machines])
        with mock.patch.dict(os.environ, {"PDE_NAS_HOSTS": hosts}):
            yield

    def fetch(self, folder: Path, trial: str) -> None:
        """Nothing: NNI's server does it (remote_worker.js)."""

    def record(self, run: RunFolder, config: Any) -> None:
        """Writes what the machines are into the run folder."""
        run.write(
            REPORT, {m.host.name: m.found | {"trials": m.trials, "gpus": m.gpus} for m in self.machines}
        )

    def clean(self, experiment: str, *, forget: bool = False) -> None:
        """Ends what is left of the experiment on the machines, and with ``forget`` removes its files.

        A machine that cannot be reached is left as it is, and said.
        """
        for host in self.hosts:
            try:
                parsed(host, run_there(host, program("clean", {"experiment": experiment, "forget": forget})))
            except UserError as error:
                print(f"not cleaned up: {error}", flush=True)


def program(action: str, given: dict[str, Any]) -> str:
    """The source that does ``action`` there."""
    call = f"answer({action!r}, json.loads({json.dumps(given)!r}))\n"
    return f"{inspect.getsource(remote_side)}\n{call}"


def parsed(host: Host, answer: Answer) -> dict[str, Any]:
    """What the program there found; whatever else a login prints is passed over."""
    for line in answer.output.splitlines():
        if line.startswith(remote_side.MARK):
            return json.loads(line.removeprefix(remote_side.MARK))
    raise UserError(f"{host.name}: no answer from {host.python} there")
