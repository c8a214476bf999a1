"""Weights that networks share: the same memory, the same start in any order, gradients that add up."""

import pytest
import torch

from search_space import Genotype, UserError, get_space, sample
from strategies.shared_weights.store import SharedWeights
from tests.strategies.shared_weights.conftest import SPACE

DARTS = {
    "width": [2, 4], "cells": [2, 3], "nodes": 2, "after": ["none", "global_1"],
    "primitives": ["none", "skip_connect", "sep_conv_3x3", "global_1"],
}  # fmt: skip


def tiny(seed: int) -> Genotype:
    return sample("tiny-global", seed, image=(1, 8, 8), **SPACE)


def darts(seed: int) -> Genotype:
    return sample("darts-global", seed, image=(1, 8, 8), **DARTS)


@pytest.mark.parametrize("draw", [tiny, darts])
def test_networks_are_corners_of_the_same_weights_whatever_else_is_drawn(draw):
    genotypes = [draw(seed) for seed in range(12)]
    first, again = SharedWeights(0), SharedWeights(0)
    x = torch.randn(2, 1, 8, 8)
    for genotype in genotypes:
        output = first.network(genotype).train()(x)
        torch.rand(7)
        assert torch.equal(output, again.network(genotype).train()(x))
        assert output.shape == (2, 10)
        assert sum(p.numel() for p in first.network(genotype).parameters()) == genotype.cost().params
    sizes = [values.numel() for values in first.state().values()]
    assert sum(sizes) < sum(genotype.cost().params for genotype in genotypes)


def test_another_seed_begins_otherwise():
    first, second = SharedWeights(0), SharedWeights(1)
    pair = [shared.network(tiny(0)).get_parameter("part0.conv.weight") for shared in (first, second)]
    assert not torch.equal(*pair)


def test_a_step_of_one_network_moves_what_others_share_with_it():
    shared = SharedWeights(0)
    problem = tiny(0).problem
    wide, narrow = (_of(problem, width) for width in (8, 4))
    before = shared.network(wide).get_parameter("part1.layers.project.weight").clone()
    small = shared.network(narrow)
    small.train()(torch.randn(4, 1, 8, 8)).square().sum().backward()
    shared.begin_step()
    shared.add_gradients(narrow, small)
    with torch.no_grad():
        for parameter in shared.with_gradients():
            parameter -= 0.1 * parameter.grad
    after = shared.network(wide).get_parameter("part1.layers.project.weight")
    changed = (after != before).flatten(1).any(1)
    assert changed[:4].any()
    assert not changed[4:].any()


def _of(problem, width: int) -> Genotype:
    space = get_space("tiny-global")
    choices = {d.label: d.options[0] for d in space.decisions(problem)}
    return Genotype.of_choices(problem, choices | {"stage1/width": width})


def test_gradients_of_two_networks_add_up():
    shared = SharedWeights(0)
    genotype, x = tiny(3), torch.randn(4, 1, 8, 8)
    networks = [shared.network(genotype).train() for _ in range(2)]
    shared.begin_step()
    for network in networks:
        network(x).square().sum().backward()
        shared.add_gradients(genotype, network)
    sums = {id(p): p.grad for p in shared.with_gradients()}
    assert sums
    for name, parameter in networks[0].named_parameters():
        whole = shared.parameters[_shared_name(genotype, networks[0], name)].grad
        corner = whole[tuple(slice(size) for size in parameter.shape)]
        torch.testing.assert_close(corner, 2 * parameter.grad)


def _shared_name(genotype, network, name):
    from strategies.shared_weights.store import _shared_names

    return _shared_names(genotype, network)[name]


def test_a_space_whose_networks_share_nothing_is_told():
    with pytest.raises(UserError, match="space is resnet-global; its networks share no weights"):
        SharedWeights(0).network(sample("resnet-global", 0))
