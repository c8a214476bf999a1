"""A cell computes what NNI's does, and what partial channels and an auxiliary skip say."""

import copy

import torch
from nni.nas.oneshot.pytorch.supermodule.differentiable import DifferentiableMixedCell
from nni.nas.strategy import DARTS

from strategies.supernet.learning.carrier import SupernetStrategy
from strategies.supernet.mixing.cell import MixedCell
from strategies.supernet.mixing.mixer import Softmax
from strategies.supernet.settings import SupernetSettings
from tests.strategies.supernet.toy import Toy, toy_table


def test_a_cell_computes_what_nnis_own_does():
    torch.manual_seed(0)
    toy = Toy()
    ours, theirs = copy.deepcopy(toy), copy.deepcopy(toy)
    torch.manual_seed(1)
    mixer = Softmax()
    mixer.learning = True
    SupernetStrategy(SupernetSettings(), mixer, table=toy_table()).mutate_model(ours)
    torch.manual_seed(1)
    DARTS().mutate_model(theirs)
    assert any(type(module) is MixedCell for module in ours.modules())
    assert any(type(module) is DifferentiableMixedCell for module in theirs.modules())
    images = torch.randn(3, 1, 8, 8)
    for model in (ours, theirs):
        model.double()
    results = [model(images.double()) for model in (ours, theirs)]
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)
    gradients = [
        torch.autograd.grad(result.square().sum(), list(model.parameters()), allow_unused=True)
        for result, model in zip(results, (ours, theirs), strict=True)
    ]
    for one, other in zip(*gradients, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
