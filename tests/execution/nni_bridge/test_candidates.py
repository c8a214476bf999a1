"""Each test fails when NNI no longer needs the workaround it names: then the workaround can go."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from execution.nni_bridge.candidates import CandidateConfig, CandidateModel
from execution.nni_bridge.quiet_nni import ModelStatus, NasExperimentConfig

COMMAND = "python -m execution.trials.entry"


def configured(kind, folder):
    config = kind(execution_engine="ts", model_format="raw", training_service_platform="local")
    config.trial_concurrency = 1
    config.training_service.use_active_gpu = False
    config.trial_command = COMMAND
    config.trial_code_directory = folder
    config.experiment_working_directory = folder
    return config


def test_trial_command_is_fixed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="trial_command.*can not be customized"):
        configured(NasExperimentConfig, ".").canonical_copy()
    assert configured(CandidateConfig, str(tmp_path)).canonical_copy().trial_command == COMMAND


def test_configurations_are_told_apart_by_their_class_name():
    source = Path(sys.modules["nni.experiment.config.experiment_config"].__file__).read_text()
    assert "type(self).__name__ != 'NasExperimentConfig'" in source


def test_checkpoint_cannot_be_loaded(tmp_path):
    from nni.nas.utils.serializer import TorchSerializer

    serializer = TorchSerializer()
    serializer.save({"status": ModelStatus.Trained}, tmp_path / "state")
    with pytest.raises(Exception, match="[Ww]eights.only"):
        serializer.load(tmp_path / "state")


def test_a_space_has_the_labels_of_its_decisions():
    space = CandidateModel({"normal/op_2_0": ("a", "b"), "width": (1, 2, 3)})
    assert set(space.simplify()) == {"normal/op_2_0", "width"}
    assert space.candidate({"index": 3}).parameters == {"index": 3}


def test_events_lack_the_trial():
    from dataclasses import fields

    from nni.nas.execution.event import TrainingEndEvent

    assert {field.name for field in fields(TrainingEndEvent)} == {"model", "status"}
