"""An architecture in some numbers."""

import pytest

from search_space import sample
from search_space.summary import summary

SPACES = {
    "darts-global": {"width": [4, 8], "cells": [1, 3], "after": ["none", "global_3"]},
    "resnet-global": {},
    "tiny-global": {},
    "mnist-global": {},
}


@pytest.mark.parametrize("space", SPACES)
def test_all_architectures_of_a_problem_have_the_same_numbers_by_name(space):
    found = [summary(sample(space, seed, image=(1, 28, 28), **SPACES[space])) for seed in range(6)]
    assert len({tuple(one) for one in found}) == 1
    assert len(found[0]) < 20  # axes of one picture
    assert all(type(value) in (int, float) for one in found for value in one.values())
    assert len({tuple(one.values()) for one in found}) > 1


def test_the_counts_are_those_of_the_cells_edges():
    settings = {"image": (1, 8, 8), "width": 4, "cells": 2, "primitives": ["global_3", "sep_conv_3x3"]}
    genotype = sample("darts-global", 0, **settings)
    edges = [name for cell in genotype.architecture.values() for node in cell for name, _ in node]
    found = summary(genotype)
    assert (found["global_3"], found["sep_conv_3x3"]) == (
        edges.count("global_3"),
        edges.count("sep_conv_3x3"),
    )
    assert found["global_share"] == edges.count("global_3") / len(edges)
    assert (found["macs"], found["params"]) == (genotype.cost().macs, genotype.cost().params)
    assert (found["width"], found["cells"]) == (4, 2)


def test_a_size_that_is_searched_is_that_of_the_architecture():
    sizes = [
        (summary(genotype)["width"], summary(genotype)["cells"], genotype.architecture["size"])
        for genotype in (
            sample("darts-global", seed, image=(1, 8, 8), width=[4, 8], cells=[1, 3]) for seed in range(5)
        )
    ]
    assert all((width, cells) == (size["width"], size["cells"]) for width, cells, size in sizes)
    assert len({width for width, _, _ in sizes}) == 2


def test_many_operations_are_counted_by_their_kinds():
    found = summary(sample("resnet-global", 0))
    assert {"global", "global_advection"} < found.keys()
    assert not any("+" in name for name in found)
