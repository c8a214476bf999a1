"""The convolution of one channel against PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from search_space import UserError, published, sample
from search_space.families.mnist import Backbone, SingleConv


@pytest.mark.parametrize("training", [True, False])
def test_it_is_the_convolution_with_its_gradients(training: bool) -> None:
    torch.manual_seed(0)
    conv = SingleConv().double().train(training)
    x = torch.randn(5, 1, 7, 9, dtype=torch.float64, requires_grad=True)
    weight = conv.weight.detach().clone().requires_grad_()
    expected = F.conv2d(x, weight, padding=1)
    above = torch.randn_like(expected)
    found = torch.autograd.grad(conv(x), (x, conv.weight), above)
    torch.testing.assert_close(conv(x), expected)
    for one, other in zip(found, torch.autograd.grad(expected, (x, weight), above), strict=True):
        torch.testing.assert_close(one, other)


def test_backbones_keep_the_names_of_their_weights() -> None:
    network = published("MNIST-Residual").build()
    shapes = {name: tuple(t.shape) for name, t in network.state_dict().items() if t.ndim == 4}
    assert shapes == {"part0.conv.weight": (1, 1, 3, 3), "part1.conv.weight": (1, 1, 3, 3)}


def test_images_that_are_too_small_are_told() -> None:
    with pytest.raises(UserError, match="image is 8 x 8 pixels; accepted with frame downsampling: 12 x 12"):
        sample("mnist-global", 0, image=(1, 8, 8))
    small = sample("mnist-global", 0, image=(1, 12, 12)).build().train()
    assert small(torch.randn(1, 1, 12, 12)).shape == (1, 10)
    with pytest.raises(UserError, match="image is 3 x 3 pixels; accepted with frame pixel: 4 x 4 or more"):
        published("MNIST-Residual", image=(1, 3, 3))


def test_residual_steps_keep_statistics_of_their_own() -> None:
    """After training on one batch with momentum 0.1 many times, evaluation of it is what training computes."""
    torch.manual_seed(0)
    backbone = Backbone("residual_5", 1)
    x = torch.rand(64, 1, 12, 12)
    for _ in range(150):
        trained = backbone(x)
    torch.testing.assert_close(backbone.eval()(x), trained, rtol=0, atol=0.02)
    means = [backbone.norm.running_mean.item(), *(s.running_mean.item() for s in backbone.statistics)]
    assert len(set(means)) == 5
    assert sum(p.numel() for p in backbone.parameters()) == 13
