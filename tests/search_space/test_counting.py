"""The counter against closed forms, and against every primitive's and network's own formula."""

import pytest
import torch
from torch import nn

from pde_ops import GlobalLayer
from search_space import Cost, get_primitive, primitive_names, sample
from search_space.counting import UnknownOperatorError, count


def test_counts_of_single_layers_are_their_closed_forms():
    assert count(nn.Conv2d(3, 8, 3, padding=1), (3, 10, 12)) == Cost(8 * 27 + 8, 8 * 27 * 120, 8 * 27 * 120)
    assert count(nn.Conv2d(6, 6, 5, stride=2, padding=2, groups=6, bias=False), (6, 9, 9)) == Cost(
        6 * 25, 6 * 25 * 25, 6 * 25 * 25
    )
    assert count(nn.ConvTranspose2d(3, 4, 2, stride=2, bias=False), (3, 5, 5)) == Cost(48, 1200, 1200)
    assert count(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2)) == Cost(65, 60, 60)
    for norm in (nn.BatchNorm2d(4), nn.GroupNorm(2, 4)):
        assert count(norm, (4, 5, 6)) == Cost(8, 0, 2 * 4 * 30)
    assert count(nn.Sequential(nn.ReLU(), nn.MaxPool2d(3), nn.SiLU()), (4, 9, 9)) == Cost()


@pytest.mark.parametrize("steps", [1, 5])
def test_the_pde_counts_seven_macs_an_element_and_step_and_seven_at_the_start(steps):
    layer = GlobalLayer(4, steps=steps, velocity="none", diffusivity=1.0)
    assert count(layer, (4, 6, 5)) == Cost(8, 7 * (steps + 1) * 120, 2 * 120)


def test_an_operator_without_a_formula_is_named():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.linalg.inv(x)

    with pytest.raises(UnknownOperatorError, match="aten::linalg_inv_ex has no cost formula"):
        count(Odd(), (1, 4, 4))


def test_a_shared_parameter_counts_once_and_the_module_is_left_alone():
    conv = nn.Conv2d(4, 4, 1, bias=False)
    module = nn.Sequential(conv, conv).train()
    assert count(module, (4, 3, 3)) == Cost(16, 2 * 16 * 9, 2 * 16 * 9)
    assert module.training
    assert conv.weight.device.type == "cpu"


@pytest.mark.parametrize("stride", [1, 2])
def test_every_primitive_costs_what_is_counted(stride):
    for name in primitive_names():
        for channels, size in ((4, (8, 8)), (5, (7, 10)), (1, (1, 3))):
            made = get_primitive(name)
            assert count(made(channels, stride), (channels, *size)) == made.cost(channels, stride, size), name


def _genotype(seed: int):
    """Small ones of all kinds of settings."""
    return sample(
        "darts-global",
        seed,
        image=((1, 8, 8), (3, 9, 7), (3, 16, 16), (3, 33, 32))[seed % 4],
        classes=2 + seed % 9,
        width=1 + seed % 5,
        cells=1 + seed % 4 if seed % 50 else 7,
        nodes=1 + seed % 3 if seed % 20 else 4,
        inputs=1 + seed // 3 % 2,
        stem=("small", "small", "small", "large")[seed // 5 % 4],
        auxiliary=seed % 7 == 0,
    )


@pytest.mark.parametrize("seeds", [range(250), pytest.param(range(250, 1000), marks=pytest.mark.slow)])
def test_cost_equals_what_is_counted_on_random_genotypes(seeds):
    differing = []
    for seed in seeds:
        genotype = _genotype(seed)
        with torch.device("meta"):
            network = genotype.build()
        if count(network, genotype.image) != genotype.cost():
            differing.append(seed)
    assert differing == []
