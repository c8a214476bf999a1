"""Training of shared weights: it learns, goes on exactly, and its networks are judged by recalibrated norms."""

import dataclasses
import math

import pytest
import torch

from pde_ops.coefficients import CoefficientNorm
from records.errors import UserError
from search_space import sample
from strategies.budget import Budget
from strategies.shared_weights.judge import Judge
from strategies.shared_weights.settings import SharedTraining
from strategies.shared_weights.store import SharedWeights
from strategies.shared_weights.training import train_shared
from tests.strategies.shared_weights.conftest import SPACE, TRAINING
from training.fit import TrainingFailed
from training.trial_settings import TrialSettings


class Stopped(Exception):
    pass


def test_stopped_and_gone_on_with_it_is_the_same(problem, data, shared, tmp_path):
    path, seen = tmp_path / "state.pt", []

    def stop(record):
        raise Stopped

    with pytest.raises(Stopped):
        train_shared(problem, data, TRAINING, Budget(), path, on_epoch=stop)
    resumed = train_shared(problem, data, TRAINING, Budget(), path, on_epoch=seen.append)
    assert [record["epoch"] for record in seen] == [1, 2]
    assert resumed.state().keys() == shared.state().keys()
    assert all(torch.equal(values, resumed.state()[name]) for name, values in shared.state().items())


def test_other_settings_do_not_go_on(problem, data, tmp_path):
    path = tmp_path / "state.pt"
    settings = dataclasses.replace(TRAINING, epochs=1)
    train_shared(problem, data, settings, Budget(), path)
    with pytest.raises(UserError, match="networks was 1, now 2"):
        train_shared(problem, data, dataclasses.replace(settings, networks=2), Budget(), path)


def test_a_loss_that_is_no_number_is_told(problem, data, tmp_path):
    settings = dataclasses.replace(TRAINING, learning_rate=1e38, clip_norm=1e38)
    with pytest.raises(TrainingFailed, match=r"the supernet's loss is .* lower its learning rate"):
        train_shared(problem, data, settings, Budget(), tmp_path / "state.pt")


def test_the_rate_rises_and_falls():
    settings = SharedTraining(epochs=10, learning_rate=0.4)
    rates = [settings.learning_rate_at(epoch / 10) for epoch in range(101)]
    assert rates[0] == 0
    assert max(rates) == pytest.approx(0.4, rel=0.02)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates[5:] == sorted(rates[5:], reverse=True)


def test_a_supernet_of_one_network_learns_what_the_network_would(tmp_path):
    fixed = SPACE | {"widths": [8], "depths": [2], "expansions": [2], "operators": ["depthwise_3x3"]}
    genotype = sample("tiny-global", 0, image=(1, 8, 8), **fixed)
    data = TrialSettings().load()
    records = []
    shared = train_shared(
        genotype.problem, data, SharedTraining(epochs=5), Budget(), tmp_path / "s.pt", on_epoch=records.append
    )
    assert records[1]["loss"] < records[0]["loss"] < 2.4
    assert all(math.isfinite(record["seconds"]) for record in records)
    assert Judge(shared, data).accuracy(genotype) > 0.5


def test_norms_are_those_of_the_network_that_is_judged(problem, data, shared):
    judge = Judge(shared, data, calibration=128)
    genotype = sample("tiny-global", 5, image=(1, 8, 8), **SPACE)
    network = shared.network(genotype)
    judge.calibrate(network)
    assert not network.training
    norm = next(m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    images = next(data.train.batches(128))[0]
    seen = network.part0.conv(images)
    torch.testing.assert_close(norm.running_mean, seen.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert judge.accuracy(genotype) == judge.accuracy(genotype)


@pytest.mark.parametrize(
    "operator", ["global_1", "global_open_3", "global_block_1", "depthwise_3x3+global_1"]
)
def test_norms_of_coefficients_are_those_of_the_network_too(operator, data):
    genotype = sample("tiny-global", 5, image=(1, 8, 8), **SPACE | {"operators": [operator]})
    shared = SharedWeights(seed=0)
    judged, expected = shared.network(genotype), shared.network(genotype)
    Judge(shared, data, calibration=128).calibrate(judged)  # one batch
    norms = [m for m in expected.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    expected.train()(next(data.train.batches(128))[0])
    found = [m for m in judged.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert any(isinstance(norm, CoefficientNorm) for norm in found)
    for one, other in zip(found, norms, strict=True):
        torch.testing.assert_close(one.running_mean, other.running_mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(one.running_var, other.running_var, rtol=1e-4, atol=1e-5)
