"""The NNI experiment of a multi-trial search: made, started, and taken up again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from subprocess import Popen
from typing import Any

from search_space.errors import UserError
from strategies.multitrial import MultiTrial
from strategies.nni_compat import CandidateConfig, CandidateExperiment, CandidateModel, was_stored
from strategies.platforms import SERVICES, make_platform
from strategies.run_folder import NNI, RunFolder
from strategies.server_end import why_ended
from strategies.settings import SearchSettings

TRIAL_MODULE = "strategies.trial_entry"


class SearchExperiment(CandidateExperiment):
    """Calls ``on_started`` when the portal is up, before the first candidate."""

    on_started: Callable[[], None] = staticmethod(lambda: None)

    def _start_engine_and_strategy(self) -> None:
        self.on_started()
        super()._start_engine_and_strategy()


def make_experiment(
    settings: SearchSettings, run: RunFolder, space: CandidateModel, strategy: MultiTrial, resume: bool
) -> SearchExperiment:
    """The experiment, its files in the run folder; with ``resume`` the run's own one, taken up again."""
    code = run.path / "nni" / "code"
    code.mkdir(parents=True, exist_ok=True)
    # NNI hands this folder to trials, and fails if it is empty; they find the packages by other means.
    (code / "README").write_text("Trials start in this folder.\n")
    config = CandidateConfig(
        execution_engine="ts", model_format="raw", training_service_platform=SERVICES[settings.platform]
    )
    config.experiment_name = f"{settings.space} on {settings.dataset}, {settings.strategy}"
    config.experiment_working_directory = str(run.path / "nni")
    config.trial_code_directory = str(code)
    platform = make_platform(settings)
    config.trial_command = platform.trial_command(TRIAL_MODULE)
    config.trial_concurrency = settings.concurrency
    config.max_trial_number = None
    if settings.platform == "local":
        config.training_service.use_active_gpu = True  # NNI asks; which GPUs are used, says trial_places.js
    platform.configure(config)
    platform.record(run, config)
    identity = None
    if resume and (run.path / NNI).is_file():
        identity = run.read(NNI)["experiment"]
        if not was_stored(run.path / "nni" / identity / "db" / "nni.sqlite"):
            identity = None  # it was killed before it began
    experiment = SearchExperiment(space, _NoEvaluator(), strategy, config, id=identity)
    if identity is not None:
        experiment._action = "resume"
    return experiment


def trials_to_recover(run: RunFolder, experiment: str) -> dict[int, int]:
    """Candidates that NNI will run again by itself if it takes the experiment up: index to NNI's parameter number.

    To be asked before its server starts, which then marks them so that they cannot be told from those that an
    earlier resume took up and lost.
    """
    database = run.path / "nni" / experiment / "db" / "nni.sqlite"
    if not database.is_file():
        return {}
    last: dict[str, tuple[str, str]] = {}
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        for trial, event, data in connection.execute(
            "select trialJobId, event, data from TrialJobEvent order by rowid"
        ):
            given = data or last.get(trial, ("", ""))[1]
            last[trial] = (event, given)
    found = {}
    for event, data in last.values():
        if event in ("WAITING", "RUNNING"):
            parameters = json.loads(data)
            found[parameters["parameters"]["index"]] = parameters["parameter_id"]
    return found


def was_cancelled(experiment: SearchExperiment, trial: str) -> bool:
    """Whether the portal's user ended a trial. With the server gone it is as if so: nothing is run again."""
    try:
        return experiment.get_trial_job(trial).status == "USER_CANCELED"
    except OSError:
        return True


def check_server(experiment: SearchExperiment, run: RunFolder) -> None:
    """Raises `UserError` if NNI's server has ended: NNI itself would wait for it for ever."""
    server = experiment._proc
    if isinstance(server, Popen) and server.poll() is not None:
        raise UserError(
            f"NNI's server ended by itself{why_ended(run)} (code {server.returncode}; its log is below "
            f"{run.path / 'nni'}); "
            f"what was measured is kept: `run_search.py resume {run.path}` goes on"
        )


class _NoEvaluator:
    """NNI asks for an evaluator; candidates are judged by `strategies.trial_entry`."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)
