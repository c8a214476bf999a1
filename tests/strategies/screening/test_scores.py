"""Training-free scores: by hand on small networks, and on networks of every kind."""

import math

import pytest
import torch
from torch import nn

from pde_ops import GlobalLayer
from search_space import sample, space_names
from strategies.screening.scores import SCORES, naswot, synflow
from strategies.screening.screened import SCORE_NAMES

IMAGES = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_synflow_is_the_flow_through_all_weights():
    """R = 1' |B| |A| 1, and each matrix's weights have |w dR/dw| that add up to R."""
    network = nn.Sequential(
        nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU6(), nn.Linear(4, 2, bias=False)
    )
    torch.manual_seed(0)
    for layer in (network[0], network[3]):
        nn.init.normal_(layer.weight, std=9.0)
    nn.init.constant_(network[1].weight, 0.0)  # the score is of the architecture, not of how a norm begins
    nn.init.constant_(network[1].bias, 7.0)
    first, last = network[0].weight.detach().double().abs(), network[3].weight.detach().double().abs()
    flow = (last @ first).sum()
    found = synflow(network, torch.zeros(8, 3))
    # The norm's weights carry the flow too.
    assert found == pytest.approx(math.log10(3 * float(flow)), rel=1e-9)


def test_naswot_counts_in_how_many_activations_two_images_agree():
    network = nn.Sequential(nn.Flatten(), nn.ReLU())
    images = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])
    assert naswot(network, images) == pytest.approx(math.log(3 * 3 - 2 * 2))


def test_naswot_sees_what_global_layers_do():
    layer = GlobalLayer(3)
    assert naswot(nn.Sequential(layer), IMAGES) is not None
    assert not layer._forward_hooks


def test_without_a_value_it_is_none():
    silent = nn.Linear(3, 2, bias=False)
    nn.init.zeros_(silent.weight)
    assert synflow(silent, torch.zeros(8, 3)) is None
    assert naswot(nn.Sequential(nn.Flatten(), nn.ReLU()), torch.ones(2, 3)) is None  # two that are alike


# All but the fixed networks of ode-baseline and mdeq, whose solvers take minutes in float64.
@pytest.mark.parametrize("space", [name for name in space_names() if name not in ("ode-baseline", "mdeq")])
def test_they_score_networks_of_every_space(space):
    image = (1, 28, 28) if space == "mnist-global" else (3, 32, 32)
    images = IMAGES[:8, : image[0], : image[1], : image[2]]
    genotype = sample(space, 1, image=image)
    found = {name: score(genotype.build(0), images) for name, score in SCORES.items()}
    assert all(value is not None and math.isfinite(value) for value in found.values()), found
    assert all(found[name] == SCORES[name](genotype.build(0), images) for name in found)


def test_their_names_are_known_without_torch():
    assert tuple(SCORES) == SCORE_NAMES
