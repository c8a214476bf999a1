import copy

import pytest
import torch
from torch import nn

from training.recipes.muon import Muon, is_matrix, orthogonal

SETTINGS = {"learning_rate": 0.1, "matrix_learning_rate": 0.05, "momentum": 0.9}


@pytest.mark.parametrize("shape", [(3, 8, 20), (2, 20, 8), (1, 5, 5)])
def test_orthogonal_keeps_singular_vectors_and_evens_values(shape):
    torch.manual_seed(0)
    matrices = torch.randn(shape, dtype=torch.float64)
    u, _, vh = torch.linalg.svd(matrices, full_matrices=False)
    found = u.mT @ orthogonal(matrices) @ vh.mT  # diagonal where the vectors are kept
    values = torch.diagonal(found, dim1=1, dim2=2)
    torch.testing.assert_close(found, torch.diag_embed(values), atol=1e-8, rtol=0)
    assert values.min() > 0.5
    assert values.max() < 1.3
    torch.testing.assert_close(orthogonal(matrices * 1e-3), orthogonal(matrices))


def test_zero_stays_zero():
    assert torch.equal(orthogonal(torch.zeros(1, 3, 4)), torch.zeros(1, 3, 4))


def test_what_is_a_matrix():
    assert is_matrix(nn.Conv2d(3, 8, 3).weight)
    assert is_matrix(nn.Conv2d(3, 8, 1).weight)
    assert not is_matrix(nn.Conv2d(8, 8, 3, groups=8).weight)
    assert not is_matrix(nn.Linear(3, 8).weight)  # the classifier
    assert not is_matrix(nn.BatchNorm2d(3).weight)


def with_gradients(model, seed):
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.empty_like(parameter).copy_(torch.randn(parameter.shape))


def test_equals_torchs_own_for_matrices():
    torch.manual_seed(0)
    convolutions = nn.ModuleList([nn.Conv2d(4, 16, 3, bias=False), nn.Conv2d(4, 16, 3, bias=False)])
    convolutions.append(nn.Conv2d(2, 32, 1, bias=False))
    matrices = [nn.Parameter(c.weight.detach().flatten(1).clone()) for c in convolutions]
    own = Muon(convolutions.parameters(), **SETTINGS, matrix_decay=0.1)
    torchs = torch.optim.Muon(matrices, lr=0.05, momentum=0.9, weight_decay=0.1)
    for seed in range(3):
        with_gradients(convolutions, seed)
        for matrix, convolution in zip(matrices, convolutions, strict=True):
            matrix.grad = convolution.weight.grad.flatten(1).clone()
        own.step()
        torchs.step()
    for matrix, convolution in zip(matrices, convolutions, strict=True):
        # torch's iterates in bfloat16
        torch.testing.assert_close(convolution.weight.flatten(1), matrix, atol=4e-3, rtol=0)


def test_equals_torchs_sgd_for_the_rest():
    torch.manual_seed(0)
    models = [nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.BatchNorm2d(4), nn.Linear(4, 2)) for _ in "ab"]
    models[1].load_state_dict(models[0].state_dict())
    own = Muon(models[0].parameters(), **SETTINGS, weight_decay=0.01)
    sgd = torch.optim.SGD(models[1].parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
    for seed in range(3):
        for model in models:
            with_gradients(model, seed)
        own.step()
        sgd.step()
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_order_in_memory_does_not_matter():
    torch.manual_seed(0)
    plain, last = nn.Conv2d(4, 8, 3), nn.Conv2d(4, 8, 3)
    last.load_state_dict(plain.state_dict())
    last.to(memory_format=torch.channels_last)
    for model in (plain, last):
        optimizer = Muon(model.parameters(), **SETTINGS)
        for seed in range(2):
            with_gradients(model, seed)
            optimizer.step()
    torch.testing.assert_close(plain.weight, last.weight)
    assert last.weight.is_contiguous(memory_format=torch.channels_last)


def test_state_is_saved_and_loaded():
    torch.manual_seed(0)
    models = [nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8)) for _ in "ab"]
    first = Muon(models[0].parameters(), **SETTINGS)
    with_gradients(models[0], 0)
    first.step()
    models[1].load_state_dict(models[0].state_dict())
    second = Muon(models[1].parameters(), **SETTINGS)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for model, optimizer in zip(models, (first, second), strict=True):
        with_gradients(model, 1)
        optimizer.step()
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_parameters_without_gradients_stay():
    layer = nn.Conv2d(2, 2, 3)
    before = layer.weight.detach().clone()
    Muon(layer.parameters(), **SETTINGS).step()
    assert torch.equal(layer.weight, before)


def test_a_closure_is_refused():
    with pytest.raises(ValueError, match="no closure"):
        Muon(nn.Conv2d(2, 2, 3).parameters(), **SETTINGS).step(lambda: 0.0)
