"""The NNI experiment of a multi-trial search: made, started, and taken up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nni.nas.strategy.base import Strategy

from execution.nni_bridge.candidates import CandidateConfig, CandidateExperiment, CandidateModel
from execution.nni_bridge.database import database_of, take_up
from execution.platforms.contract import SERVICES, Platform
from execution.settings import SearchSettings
from records.run_files.run_folder import RunFolder

TRIAL_MODULE = "execution.trials.entry"


class SearchExperiment(CandidateExperiment):
    """Calls ``on_started`` when the portal is up, before the first candidate."""

    on_started: Callable[[], None] = staticmethod(lambda: None)

    def _start_engine_and_strategy(self) -> None:
        self.on_started()
        super()._start_engine_and_strategy()


def make_experiment(
    settings: SearchSettings,
    platform: Platform,
    run: RunFolder,
    space: CandidateModel,
    strategy: Strategy,
    resume: bool,
) -> SearchExperiment:
    """The experiment, its files in the run folder; with ``resume`` the run's own one, taken up again, or a new one
    where NNI's record of that cannot be used: what was measured stands in the run folder."""
    code = run.path / "nni" / "code"
    code.mkdir(parents=True, exist_ok=True)
    # NNI hands this folder to trials, and fails if it is empty; they find the packages by other means.
    (code / "README").write_text("Trials start in this folder.\n")
    config = CandidateConfig(
        execution_engine="ts", model_format="raw", training_service_platform=SERVICES[settings.platform]
    )
    config.experiment_name = settings.title()
    config.experiment_working_directory = str(run.path / "nni")
    config.trial_code_directory = str(code)
    config.trial_command = platform.trial_command(TRIAL_MODULE)
    config.trial_concurrency = settings.concurrency
    config.max_trial_number = settings.trials  # shown, and changed, in the portal: see portal_limits.py
    if settings.platform == "local":
        config.training_service.use_active_gpu = True  # NNI asks; which GPUs are used, says trial_places.js
    platform.configure(config)
    platform.record(run, config)
    identity, number = _stored(run, config) if resume else (None, 0)
    experiment = SearchExperiment(space, _NoEvaluator(), strategy, config, id=identity)
    experiment.first_number = number
    if identity is not None:
        experiment._action = "resume"
    return experiment


def _stored(run: RunFolder, config: CandidateConfig) -> tuple[str | None, int]:
    """The run's former experiment, ready to be taken up with ``config``, and the first free number of its
    parameters; None where there is none."""
    identity = run.experiment()
    if identity is None:
        return None, 0
    database = database_of(run.path, identity)
    number = take_up(database, identity, config.canonical_copy().json())
    if number is None:
        if database.is_file():
            print("NNI's record of the run cannot be used; the portal begins anew, nothing measured is lost")
        return None, 0
    return identity, number


class _NoEvaluator:
    """NNI asks for an evaluator; candidates are judged by `execution.trials.entry`."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)
