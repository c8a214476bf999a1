"""What of bfloat16 a network is trained in, by its layers and the processor."""

import pytest
import torch
from torch import nn

from search_space import sample
from search_space.paper.networks import published
from training import precision
from training.precision import precision_of
from training.recipes.named import get_recipe

CPU = torch.device("cpu")


@pytest.fixture
def quick_processor(monkeypatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: True)


def of(network, recipe="fast"):
    return precision_of(network, get_recipe(recipe), CPU)


@pytest.mark.usefixtures("quick_processor")
@pytest.mark.parametrize("name", ["ResNet-Tiny", "ResNet-Global-Tiny"])
def test_dense_convolutions_and_global_layers_are_trained_by_autocast(name):
    found = of(published(name).build())
    assert found == (True, False, torch.channels_last)
    assert found.words == "bfloat16 by autocast"


@pytest.mark.usefixtures("quick_processor")
@pytest.mark.parametrize("space", ["darts-global", "tiny-global"])
def test_what_has_float32_kernels_keeps_them(space):
    found = of(sample(space, 0).build())
    assert found == (False, True, torch.contiguous_format)
    assert found.words == "dense convolutions in bfloat16"


@pytest.mark.usefixtures("quick_processor")
def test_a_loss_on_a_jacobian_needs_what_the_kernels_do_not_offer():
    network = published("ResNet-Global-Tiny").build()
    network.extra_loss = None
    assert not of(network).rounded
    assert of(network, "resnet").words == "float32"


def test_other_processors_and_recipes_are_float32(monkeypatch):
    float32 = (False, False, torch.contiguous_format)
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: False)
    assert of(published("ResNet-Global-Tiny").build()) == of(nn.Conv2d(3, 4, 3)) == float32
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: True)
    assert of(published("ResNet-Global-Tiny").build(), "resnet") == float32
