"""Everything that works around NNI 3.0, which is no longer maintained; each with the test that notices when
it is no longer needed (all in tests/strategies/test_nni_compat.py, unless another file is named).

- `portal_environment`: its server listens on every interface, trusts any Host and lets paths climb; see
  portal_guard.js (test_portal_guard.py). Trials that start together can get each other's parameters; see
  trial_parameters.js (test_parameters_are_handed_out_from_one_queue). Its
  clients ask the user's HTTP proxy for loopback (test_clients_go_through_a_proxy).
- `CandidateConfig`: a NAS trial's command cannot be set, and its own one imports all of nni.nas and
  Lightning in every trial, seconds each (test_trial_command_is_fixed).
- `CandidateEngine`: a model travels to the trial as a pickle or a traced constructor call; a genotype is
  plain JSON. The id of a trial does not reach a strategy (test_events_lack_the_trial).
- trial_channel.py: NNI's own client imports all of NNI, 2 seconds in every trial (test_trial_channel.py).
- `check_server` in experiment.py: when the server ends, NNI waits for it for ever (test_resume.py).
- `TolerantChannel`: messages that come on a resume end the listening thread, and the run hangs for ever
  (test_resume_messages_end_the_listener); a lost connection ends it with a stack trace in the terminal
  (test_a_lost_connection_ends_the_listener).
- `CandidateExperiment`: its checkpoints need torch's unsafe loading, and hold nothing that the run folder
  does not (test_checkpoint_cannot_be_loaded).
- `_wait_for_server`: three seconds are all that a starting server gets (test_a_server_gets_three_seconds).
- `RowsExperiment`, `submitted_trials`, `view_experiment`: see there.
- trial_places.js: it deals trials out to machines in turn, busy or not, and never gives out the only GPU
  (test_trial_places.py). The GPU is therefore not left to its `trial_gpu_number`.
- trial_starts.js: a trial that cannot be started is started again without pause and end (test_trial_starts.py).
- remote_worker.js: its remote workers upgrade NNI there, accept any host key, want the server to listen where
  the machine reaches it, and leave a trial's files there (test_remote_worker.py).
- cluster_channel.js: for a cluster it opens a second port to everyone, and mounts storage by sudo
  (test_cluster_channel.py). printed_channel.py: as trial_channel.py, in a cluster (test_printed_channel.py).
- portal_page.js: its page offers what leads nowhere (test_portal_page.py).
- trial_files.js: of the log that its page asks for there is none, nor any text of a trial in a cluster or on a machine
  that is not connected (test_trial_files.py).
- log_limits.js: its log and what trials print have no bound, and it never closes a trial's files (test_log_limits.py).
- launcher_watch.js: when the launcher is killed, the server, its port and its trials live on
  (test_resume.py). `kill_orphans` ends what a killed server leaves.
- `chatter_to`: import-time and run-time messages of NNI go to a file of the run folder.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any
from unittest import mock
from urllib.parse import quote

import psutil

from search_space.errors import UserError
from strategies.oneshot_quiet import QuietHandler

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
)
PRELOADS = [Path(__file__).with_name(name) for name in _PRELOADS]

# What the portal's page lets one change, by the names of portal_page.js.
CONTROLS = ("customized trial", "kill", "max duration", "max trial no.", "concurrency")

_START_SECONDS = 60.0


@contextmanager
def chatter_to(path: Path) -> Iterator[None]:
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
    from nni.mutable import Categorical, MutableDict, label_scope
    from nni.nas.execution import TrainingServiceExecutionEngine
    from nni.nas.experiment import NasExperiment, NasExperimentConfig
    from nni.nas.space import ExecutableModelSpace, ModelStatus
    from nni.runtime.tuner_command_channel import TunerCommandChannel
    from nni.runtime.tuner_command_channel.command_type import CommandType
    from websockets.exceptions import WebSocketException

# NNI's import replaces the root's handlers and turns its own loggers up; its console lines are not ours.
logging.getLogger("nni").handlers.clear()

_LOST = (OSError, WebSocketException, AttributeError)
_RESUME_MESSAGES = (CommandType.ImportData, CommandType.AddCustomizedTrialJob)


@contextmanager
def portal_environment(hide: Sequence[str] = ()) -> Iterator[None]:
    """Environment in which a server that is started here loads what mends it.

    ``hide`` names those of `CONTROLS` that its page does not show, beside what leads nowhere in any experiment.
    """
    # Quoted: the path may have spaces in it.
    options = " ".join(f'--require="{path}"' for path in PRELOADS)
    page = json.dumps({"hide": list(hide)})
    direct = {name: _with_loopback(os.environ.get(name, "")) for name in ("NO_PROXY", "no_proxy")}
    with (
        mock.patch.dict(os.environ, {"NODE_OPTIONS": options, "PDE_NAS_PAGE": page, **direct}),
        mock.patch.object(launcher, "_check_rest_server", _wait_for_server),
    ):
        yield


def _wait_for_server(port: int, retry: int = 0, url_prefix: str | None = None) -> None:
    """Returns when the server on ``port`` answers. NNI's own gives up after three seconds, which a busy machine
    needs for starting it."""
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            rest.get(port, "/check-status", url_prefix)
            return
        except (OSError, ValueError) as error:
            if time.monotonic() > end:
                raise UserError(
                    f"NNI's server did not answer on port {port} within {_START_SECONDS:.0f} seconds ({error}); "
                    "its log is below the run folder"
                ) from error
        time.sleep(0.1)


def _with_loopback(hosts: str) -> str:
    """A list of hosts to reach without the user's HTTP proxy, with this machine among them."""
    return ",".join(filter(None, [hosts, "localhost", "127.0.0.1"]))


class CandidateModel(ExecutableModelSpace):
    """The space, to NNI; or with ``parameters`` one candidate of it, as it travels to a trial.

    ``trial`` is NNI's id of the trial, once it is known.
    """

    def __init__(self, decisions: dict[str, tuple], parameters: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.decisions = decisions
        self.parameters = parameters
        self.trial: str | None = None
        self.mutables = MutableDict({label: _mutable(label, opts) for label, opts in decisions.items()})

    def leaf_mutables(self, is_leaf: Callable[[Any], bool]) -> Any:
        yield from self.mutables.leaf_mutables(is_leaf)

    def check_contains(self, sample: dict[str, Any]) -> Any:
        return self.mutables.check_contains(sample)

    def candidate(self, parameters: dict[str, Any]) -> CandidateModel:
        """A candidate of this space."""
        return CandidateModel({}, parameters)


def _mutable(label: str, options: tuple) -> Categorical:
    """NNI builds labels with slashes from scopes, and refuses them written out."""
    *scopes, name = label.split("/")
    with ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(label_scope(scope))
        return Categorical(list(options), label=name)


class TolerantChannel(TunerCommandChannel):
    """NNI's channel, deaf to what it does not understand on a resume, and ``lost`` where the server is gone.

    How NNI's own one fails then depends on which of its two threads sees it first: with an OSError, with one of
    the WebSocket, or with the AttributeError of a connection that the other thread has taken away.
    """

    lost = False

    def listen(self, stop_event: Event) -> None:
        try:
            super().listen(stop_event)
        except OSError as error:  # in a message's handler, which asks the server for more
            self._lose(error)
            stop_event.set()

    def _receive(self) -> Any:
        while True:
            try:
                kind, data = super()._receive()
            except _LOST as error:
                self._lose(error)
                return CommandType.Terminate, ""
            if kind not in _RESUME_MESSAGES:
                return kind, data

    def _send(self, command_type: CommandType, data: str) -> None:
        try:
            super()._send(command_type, data)
        except _LOST as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        self.lost = True
        logging.getLogger("nni").warning("the server is gone: %s", error)


class CandidateEngine(TrainingServiceExecutionEngine):
    """NNI's engine, sending plain JSON, and telling each candidate its trial's id."""

    def __init__(self, experiment: NasExperiment) -> None:
        with mock.patch.object(training_service, "TunerCommandChannel", TolerantChannel):
            super().__init__(experiment)

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

    def adopt(self, number: int, model: CandidateModel) -> None:
        """Listens for a trial that was submitted before a resume, as number ``number``."""
        self._models[number] = _strong(model)
        model.status = ModelStatus.Training
        self._workers -= 1

    def _trial_end_callback(self, command: Any) -> None:
        model = self._find_reference_model(command.parameter_ids[0])
        if isinstance(model, CandidateModel):
            model.trial = command.trial_job_id
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
    """A configuration without a tuner: see `RowsExperiment`."""


RowConfig.__name__ = CandidateConfig.__name__


class RowsExperiment(Experiment):
    """An experiment that hands out ``rows``, the parameters of its trials, in order, once, and then waits for
    those that the portal's user submits, which NNI's server starts by itself.

    A tuner of NNI's is a process that imports all of NNI, and has ten seconds for that
    (test_a_tuner_has_ten_seconds); here this process is the tuner.
    """

    def __init__(self, config: RowConfig, rows: list[dict[str, Any]]) -> None:
        super().__init__(config)
        self.rows, self.sent = rows, 0

    def _start_nni_manager(self, port: int, *rest: Any) -> None:
        address = f"ws://localhost:{port}/tuner"
        debug, run_mode, _, tags = rest
        super()._start_nni_manager(port, debug, run_mode, address, tags)
        channel = TolerantChannel(address)
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


def was_stored(database: Path) -> bool:
    """Whether an experiment came so far that it can be resumed or viewed: its server writes its settings there
    some moments after it makes the file, and fails on a file without them."""
    if not database.is_file():
        return False
    try:
        with closing(_read(database)) as connection:
            return connection.execute("select count(*) from ExperimentProfile").fetchone()[0] > 0
    except sqlite3.Error:
        return False


def submitted_trials(database: Path) -> list[dict[str, Any]]:
    """The parameters of every trial that the portal's user submitted to an experiment, in order, started or not:
    NNI's server keeps those that wait in memory alone."""
    if not was_stored(database):
        return []
    with closing(_read(database)) as connection:
        found = connection.execute(
            "select data from TrialJobEvent where event = 'ADD_CUSTOMIZED' order by rowid"
        )
        return [json.loads(text) for (text,) in found]


def _read(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)


class CandidateExperiment(NasExperiment):
    """An NNI experiment over genotypes: nothing is pickled, nothing is loaded from its folder."""

    @property
    def lost(self) -> bool:
        """Whether the connection to the server is gone for good."""
        return isinstance(self._engine, CandidateEngine) and self._engine.channel.lost

    def execution_engine_factory(self, config: Any) -> CandidateEngine:
        return CandidateEngine(self)

    def executable_model_factory(self, config: Any) -> CandidateModel:
        return self.model_space

    def _nni_manager_required(self) -> bool:
        """Always; NNI would check its configuration for that, also when it is stopped because a folder is gone."""
        return True

    def load_checkpoint(self) -> None:
        """The run folder is the checkpoint."""

    def save_checkpoint(self) -> None:
        """The run folder is the checkpoint."""


def kill_orphans(experiment: str) -> list[int]:
    """Ends every process that belongs to the experiment of that id; returns their ids."""
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            of_server = experiment in process.cmdline() and "--experiment-id" in process.cmdline()
            if of_server or process.environ().get("NNI_EXP_ID") == experiment:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it ended, or belongs to somebody else
    for process in found:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(found, timeout=10)
    return [process.pid for process in found]


@contextmanager
def view_experiment(identity: str, folder: Path, port: int) -> Iterator[None]:
    """While it lasts, NNI's server on ``port`` shows the finished experiment in ``folder``.

    NNI's own ``view`` finds experiments through a list in the user's home, so not one that was copied from
    another machine, and not one whose launcher was killed, which stands there as running.
    """
    kept = launcher.get_stopped_experiment_config_json(identity, str(folder))
    config = ViewedConfig(kept | {"experimentWorkingDirectory": str(folder)})
    logs = folder / identity / "log"
    logs.mkdir(parents=True, exist_ok=True)
    server = launcher.start_experiment("view", identity, config, port, False, RunMode.Detach, None)  # type: ignore[arg-type]
    try:
        yield
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


def trial_command(module: str, *arguments: str) -> str:
    """The command line of a trial: this interpreter, by its absolute path."""
    return " ".join([sys.executable, "-m", module, *arguments])


__all__ = [
    "CONTROLS",
    "CandidateConfig",
    "CandidateEngine",
    "CandidateExperiment",
    "CandidateModel",
    "RowConfig",
    "RowsExperiment",
    "chatter_to",
    "kill_orphans",
    "portal_environment",
    "submitted_trials",
    "trial_command",
    "view_experiment",
    "was_stored",
]
