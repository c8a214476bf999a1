"""An NNI experiment over genotypes: a candidate, the engine that sends it, and the experiment around both."""

from __future__ import annotations

from typing import Any
from unittest import mock

from execution.nni_bridge.channel import TolerantChannel
from execution.nni_bridge.quiet_nni import (
    ExperimentConfig,
    ModelStatus,
    NasExperiment,
    NasExperimentConfig,
    TrainingServiceExecutionEngine,
    training_service,
)
from execution.nni_bridge.server_start import OwnServer
from strategies.nni_side.space import DecisionSpace


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
    submitted (test_trials_that_the_portals_user_submitted_have_no_number); here ``first_number`` is the first free one.
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

    def update_search_space(self, value: dict[str, Any]) -> None:
        """Shows the space, as NNI's page has it under "Search space", but not as axes of its "Hyper-parameter" view, of which
        it makes one for each entry of a type that it knows: dozens, drawn over each other."""
        super().update_search_space({label: each | {"_type": "decision"} for label, each in value.items()})

    def load_checkpoint(self) -> None:
        """The run folder is the checkpoint."""

    def save_checkpoint(self) -> None:
        """The run folder is the checkpoint."""
