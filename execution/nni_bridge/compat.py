"""Everything that works around NNI 3.0, which is no longer maintained; each with the test that notices when
it is no longer needed (all in tests/execution/nni_bridge/test_compat.py, unless another file is named).

- `portal_environment`: its server listens on every interface, trusts any Host and lets paths climb; see
  portal_guard.js (test_portal_guard.py). Trials that start together can get each other's parameters; see
  trial_parameters.js (test_parameters_are_handed_out_from_one_queue). Its
  clients ask the user's HTTP proxy for loopback (test_clients_go_through_a_proxy).
- `CandidateConfig`: a NAS trial's command cannot be set, and its own one imports all of nni.nas and
  Lightning in every trial, seconds each (test_trial_command_is_fixed).
- `CandidateEngine`: a model travels to the trial as a pickle or a traced constructor call; a genotype is
  plain JSON. The id of a trial does not reach a strategy (test_events_lack_the_trial).
- `trials.channel`: NNI's own client imports all of NNI, 2 seconds in every trial (test_channel.py).
- `check_server` in experiment.py: when the server ends, NNI waits for it for ever (test_resume.py).
- nni_channel.py: an address in a metric breaks the connection (test_addresses_break_the_connection); messages
  that come on a resume end the listening thread, and the run hangs for ever
  (test_resume_messages_end_the_listener); a lost connection ends it with a stack trace in the terminal
  (test_a_lost_connection_ends_the_listener).
- nni_database.py: a resumed experiment goes on with the folders and limits of its start
  (test_a_resume_uses_what_was_stored).
- portal_edits.js: the page's edits are obeyed without a word to the launcher (test_portal_edits.py).
- `CandidateExperiment`: its checkpoints need torch's unsafe loading, and hold nothing that the run folder
  does not (test_checkpoint_cannot_be_loaded).
- `_Start`: three seconds are all that a starting server gets (test_a_server_gets_three_seconds), and whoever
  answers on its port is taken for it: the experiment is then sent to another search's server
  (test_any_server_on_the_port_is_taken_for_the_own_one).
- `OwnServer`: of a server that has ended the number is sent a signal, whosever that is by then
  (test_a_server_that_has_ended_is_sent_a_signal).
- `_NoList`, experiments_list.js: every experiment is added to a list in the user's home, which grows without end and
  may not be writable, and the page is blank until it is found there (test_experiments_are_listed_in_the_home).
- `RowQueueExperiment`, `view_experiment`: see there.
- trial_places.js: it deals trials out to machines in turn, busy or not, and never gives out the only GPU
  (test_trial_places.py). The GPU is therefore not left to its `trial_gpu_number`.
- trial_starts.js: a trial that cannot be started is started again without pause and end (test_trial_starts.py).
- remote_worker.js: its remote workers upgrade NNI there, accept any host key, want the server to listen where
  the machine reaches it, and leave a trial's files there (test_remote_worker.py).
- cluster_channel.js: for a cluster it opens a second port to everyone, and mounts storage by sudo
  (test_cluster_channel.py). printed_channel.py: as `trials.channel`, in a cluster (test_printed_channel.py).
- portal_page.js: its page offers what leads nowhere (test_portal_page.py).
- trial_files.js: of the log that its page asks for there is none, nor any text of a trial in a cluster or on a machine
  that is not connected (test_trial_files.py).
- log_limits.js: its log and what trials print have no bound, and it never closes a trial's files (test_log_limits.py).
- launcher_watch.js: when the launcher is killed, the server, its port and its trials live on
  (test_resume.py). orphans.py ends what a killed server leaves.
- `nni_log_to`: import-time and run-time messages of NNI go to a file of the run folder.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType
from typing import Any
from unittest import mock

import psutil

from execution.nni_bridge.server import FOLDER
from records.errors import UserError
from strategies.nni_side.space import DecisionSpace
from strategies.supernet.quiet import QuietHandler

_PRELOADS = (
    "portal_guard.js",
    "portal_page.js",
    "trial_files.js",
    "log_limits.js",
    "trial_parameters.js",
    "trial_places.js",
    "trial_starts.js",
    "remote_worker.js",
    "cluster_channel.js",
    "launcher_watch.js",
    "portal_edits.js",
    "experiments_list.js",
)
PRELOADS = [FOLDER / name for name in _PRELOADS]

_START_SECONDS = 60.0


@contextmanager
def nni_log_to(path: Path) -> Iterator[None]:
    """Sends warnings and NNI's log messages to a file while it lasts."""
    handler = QuietHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("nni")
    before = logger.handlers[:], logger.level, logger.propagate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.handlers[:] = [handler]
        logger.propagate = False
        try:
            yield
        finally:
            logger.handlers[:], logger.level, logger.propagate = before
            handler.close()


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import nni.nas.execution.training_service as training_service
    from nni.experiment import Experiment, RunMode, launcher, rest
    from nni.experiment.config import ExperimentConfig
    from nni.nas.execution import TrainingServiceExecutionEngine
    from nni.nas.experiment import NasExperiment, NasExperimentConfig
    from nni.nas.space import ModelStatus

    from execution.nni_bridge.channel import TolerantChannel
    from execution.nni_bridge.database import stored_config


@contextmanager
def portal_environment(edits: Mapping[str, Any] = MappingProxyType({})) -> Iterator[None]:
    """Environment in which a server that is started here loads what mends it; ``edits``: which changes its page
    may make and shows (portal_limits.py)."""
    # Quoted: the path may have spaces in it.
    options = " ".join(f'--require="{path}"' for path in PRELOADS)
    direct = {name: _with_loopback(os.environ.get(name, "")) for name in ("NO_PROXY", "no_proxy")}
    start = _Start(launcher._start_rest_server)
    with (
        mock.patch.dict(
            os.environ, {"NODE_OPTIONS": options, "PDE_NAS_EDITS": json.dumps(dict(edits)), **direct}
        ),
        mock.patch.object(launcher, "_ensure_port_idle"),  # `execution.portal.ports` keeps it
        mock.patch.object(launcher, "_start_rest_server", start),
        mock.patch.object(launcher, "_check_rest_server", start.wait),
        mock.patch.object(launcher, "Experiments", _NoList),
    ):
        yield


class _NoList:
    """In place of NNI's list of all experiments of a user."""

    def add_experiment(self, *_: Any, **__: Any) -> None:
        pass


class _Start:
    """Starts a server, and waits until this very one answers on its port."""

    def __init__(self, start: Callable[..., subprocess.Popen]) -> None:
        self.start = start
        self.server: subprocess.Popen | None = None

    def __call__(self, *given: Any) -> subprocess.Popen:
        self.server = self.start(*given)
        return self.server

    def wait(self, port: int, retry: int = 0, url_prefix: str | None = None) -> None:
        """Raises `UserError` if the server ends, another program having the port say, or stays silent."""
        assert self.server is not None
        end = time.monotonic() + _START_SECONDS
        while True:
            if self.server.poll() is not None:
                raise UserError(
                    f"NNI's server ended at its start (code {self.server.returncode}): another program has port "
                    f"{port} now, or its log says more; choose another with --port (0: any)"
                )
            try:
                if _listens(self.server.pid, port):
                    rest.get(port, "/check-status", url_prefix)
                    return
                why = "it does not listen"
            except (OSError, ValueError) as error:
                why = str(error)
            if time.monotonic() > end:
                raise UserError(
                    f"NNI's server did not answer on port {port} within {_START_SECONDS:.0f} seconds ({why}); "
                    "its log is below the run folder"
                )
            time.sleep(0.1)


def _listens(process: int, port: int) -> bool:
    try:
        found = psutil.Process(process).net_connections("tcp")
    except psutil.Error:  # it has just ended
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in found)


class OwnServer:
    """Of NNI's experiments: a server that has ended by itself is not asked, nor killed by its number, which
    may be another process's."""

    port: int | None
    _proc: Any

    def _stop_nni_manager(self) -> None:
        if isinstance(self._proc, subprocess.Popen) and self._proc.poll() is not None:
            self.port = self._proc = None
        super()._stop_nni_manager()  # type: ignore[misc]


def _with_loopback(hosts: str) -> str:
    """A list of hosts to reach without the user's HTTP proxy, with this machine among them."""
    return ",".join(filter(None, [hosts, "localhost", "127.0.0.1"]))


class CandidateModel(DecisionSpace):
    """The space, to NNI; or with ``parameters`` one candidate of it, as it travels to a trial.

    ``trial`` is NNI's id of the trial, and ``cancelled`` whether the portal's user ended it, once it has ended.
    """

    def __init__(self, decisions: dict[str, tuple], parameters: dict[str, Any] | None = None) -> None:
        super().__init__(decisions)
        self.parameters = parameters
        self.trial: str | None = None
        self.cancelled = False

    def candidate(self, parameters: dict[str, Any]) -> CandidateModel:
        """A candidate of this space."""
        return CandidateModel({}, parameters)


class CandidateEngine(TrainingServiceExecutionEngine):
    """NNI's engine, sending plain JSON, and telling each candidate its trial's id and how it ended.

    NNI asks its server for the numbers that parameters have already, and fails on trials that the portal's user
    submitted (test_submitted_trials_have_no_number); here ``first_number`` is the first free one.
    """

    def __init__(self, experiment: NasExperiment, first_number: int = 0) -> None:
        with mock.patch.object(training_service, "TunerCommandChannel", TolerantChannel):
            super().__init__(experiment)
        self._current_parameter_id = first_number - 1

    def submit_models(self, *models: CandidateModel) -> None:
        for model in models:
            number = self._next_parameter_id()
            self._models[number] = _strong(model)
            self.channel.send_trial(parameter_id=number, parameters=model.parameters)  # type: ignore[arg-type]
            model.status = ModelStatus.Training
            self._workers -= 1

    @property
    def channel(self) -> TolerantChannel:
        assert isinstance(self._channel, TolerantChannel)
        return self._channel

    def _trial_end_callback(self, command: Any) -> None:
        model = self._find_reference_model(command.parameter_ids[0])
        if isinstance(model, CandidateModel):
            model.trial, model.cancelled = command.trial_job_id, command.event == "USER_CANCELED"
        super()._trial_end_callback(command)


def _strong(model: CandidateModel) -> Any:
    """What NNI keeps as a weak reference, and then loses events of: here a strong one."""
    return lambda: model


class CandidateConfig(NasExperimentConfig):
    """NNI's configuration with a trial command of our own and a code folder of our own."""

    def _canonicalize(self, parents: Any) -> None:
        self.search_space: Any = {}
        ExperimentConfig._canonicalize(self, [self, *parents])


# NNI asks a configuration for a tuner unless its class has this very name.
CandidateConfig.__name__ = "NasExperimentConfig"


class RowConfig(ExperimentConfig):
    """A configuration without a tuner: see `RowQueueExperiment`."""


RowConfig.__name__ = CandidateConfig.__name__


class RowQueueExperiment(OwnServer, Experiment):
    """An experiment that hands out ``rows``, the parameters of its trials, in order, once, and then waits for
    those that the portal's user submits, which NNI's server starts by itself.

    A tuner of NNI's is a process that imports all of NNI, and has ten seconds for that
    (test_a_tuner_has_ten_seconds); here this process is the tuner.
    """

    def __init__(self, config: RowConfig, rows: list[dict[str, Any]]) -> None:
        super().__init__(config)
        self.rows, self.sent = rows, 0
        self.channel: TolerantChannel | None = None

    @property
    def lost(self) -> bool:
        """Whether the connection to the server is gone for good."""
        return self.channel is not None and self.channel.lost

    def _start_nni_manager(self, port: int, *rest: Any) -> None:
        address = f"ws://localhost:{port}/tuner"
        debug, run_mode, _, tags = rest
        super()._start_nni_manager(port, debug, run_mode, address, tags)
        self.channel = channel = TolerantChannel(address)
        channel.on_initialize(lambda _: channel.send_initialized())
        channel.on_request_trial_jobs(lambda asked: self._send(channel, asked.count))
        channel.connect()
        Thread(target=channel.listen, args=(Event(),), name="rows", daemon=True).start()

    def _send(self, channel: TolerantChannel, count: int) -> None:
        for number, row in list(enumerate(self.rows))[self.sent : self.sent + count]:
            channel.send_trial(number, row)  # type: ignore[arg-type]
            self.sent += 1
        if self.sent == len(self.rows):
            channel.send_no_more_trial_jobs()


class CandidateExperiment(OwnServer, NasExperiment):
    """An NNI experiment over genotypes: nothing is pickled, nothing is loaded from its folder.

    ``first_number`` is the first that no trial's parameters have.
    """

    first_number = 0

    @property
    def lost(self) -> bool:
        """Whether the connection to the server is gone for good."""
        return isinstance(self._engine, CandidateEngine) and self._engine.channel.lost

    def execution_engine_factory(self, config: Any) -> CandidateEngine:
        return CandidateEngine(self, self.first_number)

    def executable_model_factory(self, config: Any) -> CandidateModel:
        return self.model_space

    def _nni_manager_required(self) -> bool:
        """Always; NNI would check its configuration for that, also when it is stopped because a folder is gone."""
        return True

    def load_checkpoint(self) -> None:
        """The run folder is the checkpoint."""

    def save_checkpoint(self) -> None:
        """The run folder is the checkpoint."""


@contextmanager
def view_experiment(identity: str, folder: Path, port: int) -> Iterator[subprocess.Popen]:
    """While it lasts, NNI's server on ``port`` shows the finished experiment in ``folder``, where it writes.

    NNI's own ``view`` finds experiments through a list in the user's home, so not one that was copied from
    another machine, and not one whose launcher was killed, which stands there as running. It reads the
    experiment's settings in a way that runs code that is in them; here they are JSON alone.
    """
    kept = stored_config(folder / identity / "db" / "nni.sqlite")
    config = ViewedConfig(kept | {"experimentWorkingDirectory": str(folder)})
    (folder / identity / "log").mkdir(parents=True, exist_ok=True)
    server = launcher.start_experiment("view", identity, config, port, False, RunMode.Detach, None)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


class ViewedConfig:
    """An experiment's configuration as NNI's database has it: enough to be sent back to its server."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.experiment_working_directory = record["experimentWorkingDirectory"]
        self.experiment_name = record.get("experimentName")
        self.log_level = record.get("logLevel", "info")
        service = record["trainingService"]
        self.training_service: Any = service if isinstance(service, list) else _Platform(service["platform"])

    def json(self) -> dict[str, Any]:
        return self.record


class _Platform:
    def __init__(self, platform: str) -> None:
        self.platform = platform


__all__ = [
    "CandidateConfig",
    "CandidateEngine",
    "CandidateExperiment",
    "CandidateModel",
    "RowConfig",
    "RowQueueExperiment",
    "nni_log_to",
    "portal_environment",
    "view_experiment",
]
