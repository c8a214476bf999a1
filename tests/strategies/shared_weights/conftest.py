"""One small problem on handwritten digits, its data, and a training of a few steps."""

import pytest

from search_space import sample
from strategies.budget import Budget
from strategies.shared_weights.settings import SharedTraining
from strategies.shared_weights.training import train_shared
from training.trial_settings import TrialSettings

SPACE = {
    "stages": 2, "widths": [4, 8], "stem_widths": [4], "stem_strides": [1], "depths": [1, 2], "expansions": [1, 2],
    "operators": ["depthwise_3x3", "depthwise_3x3+global_1"], "squeezes": ["none"],
}  # fmt: skip
TRIAL = TrialSettings(train_limit=160, epochs=1, batch_size=32)
TRAINING = SharedTraining(epochs=2, batch_size=32)


@pytest.fixture(scope="package")
def problem():
    return sample("tiny-global", 0, image=(1, 8, 8), **SPACE).problem


@pytest.fixture(scope="package")
def data():
    return TRIAL.load()


@pytest.fixture(scope="package")
def shared(problem, data, tmp_path_factory):
    return train_shared(problem, data, TRAINING, Budget(), tmp_path_factory.mktemp("shared") / "state.pt")
