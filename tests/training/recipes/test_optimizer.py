import pytest
import torch
from torch import nn

from training.recipes.optimizer import Average, make_optimizer
from training.recipes.recipe import Recipe


def step(optimizer_name, **changes):
    """A parameter of 1 with gradient 2, after one step."""
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(1.0)
    layer.weight.grad = torch.full((1, 1), 2.0)
    recipe = Recipe("r", epochs=1, batch_size=1, learning_rate=0.1, optimizer=optimizer_name, **changes)
    make_optimizer(layer, recipe).step()
    return layer.weight.item()


def test_sgd_with_nesterov_momentum_and_decay():
    gradient = 2.0 + 0.5 * 1.0
    assert step("sgd", momentum=0.9, weight_decay=0.5) == pytest.approx(1 - 0.1 * 1.9 * gradient)


def test_sgd_without_momentum():
    assert step("sgd", momentum=0.0) == pytest.approx(0.8)


def test_adamw_decay_is_decoupled():
    assert step("adamw", weight_decay=0.5) == pytest.approx(1 - 0.1 * 0.5 - 0.1, abs=1e-6)


def test_rmsprop():
    assert step("rmsprop", rmsprop_eps=1e-3) == pytest.approx(1 - 0.1 * 2 / ((0.1 * 4) ** 0.5 + 1e-3))


def test_muon_has_a_rate_for_convolutions_and_one_for_the_rest():
    model = nn.Sequential(nn.Conv2d(1, 1, 1, groups=1), nn.Conv2d(2, 1, 1, bias=False))
    for parameter in model.parameters():
        parameter.data.fill_(1.0)
        parameter.grad = torch.full_like(parameter, 2.0)
    settings = {"learning_rate": 0.1, "matrix_rate": 0.5, "matrix_decay": 0.4, "weight_decay": 0.5}
    recipe = Recipe("r", epochs=1, batch_size=1, optimizer="muon", momentum=0.9, **settings)
    make_optimizer(model, recipe).step()
    assert model[0].weight.item() == pytest.approx(1 - 0.1 * 1.9 * 2.5)
    # a matrix of one row and two equal entries: its update has length 1 or near it
    moved = 1 - 0.05 * 0.4 - model[1].weight.detach()
    assert (moved.flatten() / (0.05 / 2**0.5)).tolist() == pytest.approx([1.0, 1.0], abs=0.35)


def test_average_is_exponential_and_is_swapped_in():
    model = nn.BatchNorm1d(1)
    average = Average(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(2.0)
        model.running_mean.fill_(1.0)
        model.num_batches_tracked.fill_(7)
    average.update(model)
    with average.applied_to(model):
        assert model.weight.item() == pytest.approx(0.9 * 1 + 0.1 * 2)
        assert model.running_mean.item() == pytest.approx(0.1)
        assert model.num_batches_tracked.item() == 7
    assert model.weight.item() == 2.0
    assert model.running_mean.item() == 1.0
