"""Width, cells and what follows the stages as decisions of `darts-global`."""

import random

import pytest
import torch

from search_space import Genotype, Problem, UserError, get_space, mutate, sample
from search_space.counting import count

SPACE = get_space("darts-global")
SETTINGS = {
    "width": [2, 4], "cells": [1, 2, 5], "after": ["none", "global_1"], "nodes": 2,
    "primitives": ["none", "skip_connect", "sep_conv_3x3", "global_1"],
}  # fmt: skip


def sized(seed: int, image=(3, 12, 12)) -> Genotype:
    return sample("darts-global", seed, image=image, classes=7, **SETTINGS)


@pytest.mark.parametrize("seed", range(12))
def test_costs_are_exact_and_networks_are_as_large_as_was_chosen(seed):
    genotype = sized(seed)
    size = genotype.architecture["size"]
    network = genotype.build()
    assert count(network, genotype.image) == genotype.cost()
    assert genotype.cost().params == sum(p.numel() for p in network.parameters())
    assert len(network.cells) == size["cells"]
    assert network.stem.first[0].out_channels == 3 * size["width"]
    assert len(size["after"]) == {1: 1, 2: 2, 5: 3}[size["cells"]]
    assert len(network.after) == sum(name != "none" for name in size["after"])
    assert network(torch.zeros(2, 3, 12, 12)).shape == (2, 7)
    assert Genotype.from_json(genotype.to_json()) == genotype


def fixed(genotype):
    return get_space("darts-global").supernet_cells(genotype.problem).fixed.macs


def test_a_layer_stands_after_the_last_cell_of_its_stage():
    genotype = sample("darts-global", 0, image=(1, 16, 16), width=4, cells=6, after=["global_3"])
    network = genotype.build()
    assert list(network.after) == ["1", "3", "5"]
    assert [layer.layer.steps for layer in network.after.values()] == [3, 3, 3]
    assert "size" not in genotype.architecture
    plain = sample("darts-global", 0, image=(1, 16, 16), width=4, cells=6)
    assert genotype.cost().macs > plain.cost().macs
    assert fixed(genotype) > fixed(plain)


def test_mutation_keeps_to_the_space_and_reaches_every_size():
    rng, genotype, seen = random.Random(0), sized(0), set()
    for _ in range(400):
        genotype = mutate(genotype, rng)
        size = genotype.architecture["size"]
        seen.add((size["width"], size["cells"]))
        assert ("reduction" in genotype.architecture) == (size["cells"] > 1)
    assert len(seen) == 6


def test_a_cell_that_is_not_there_changes_nothing():
    genotype = next(g for g in map(sized, range(50)) if g.architecture["size"]["cells"] == 1)
    choices = SPACE.choices(genotype.problem, genotype.architecture)
    idle = SPACE.idle(genotype.problem, genotype.architecture)
    assert "reduction/op_2_0" in idle
    assert {"size/after_2", "size/after_3"} <= idle
    for decision in SPACE.decisions(genotype.problem):
        if decision.label in idle:
            for option in decision.options:
                assert Genotype.of_choices(genotype.problem, {**choices, decision.label: option}) == genotype


def test_nni_has_the_decisions_and_freezes_to_the_genotype():
    genotype = sized(1)
    model = SPACE.model_space(genotype.problem)
    assert set(model.simplify()) == {d.label for d in SPACE.decisions(genotype.problem)}
    choices = SPACE.choices(genotype.problem, genotype.architecture)
    assert model.freeze(SPACE.to_nni(choices)).genotype == genotype


def test_empty_edges_are_left_out_and_give_zeros_where_they_are_alone():
    settings = {"nodes": 2, "cells": 1, "width": 4, "primitives": ["none", "skip_connect"]}

    def network(first: list, second: list) -> torch.nn.Module:
        torch.manual_seed(0)
        cell = {"normal": [first, second]}
        return Genotype("darts-global", (1, 8, 8), 3, settings, cell).build().eval()

    with_empty = network([["none", 0], ["skip_connect", 1]], [["none", 0], ["none", 1]])
    assert [len(node) for node in with_empty.cells[0].nodes] == [1, 1]
    states = with_empty.stem(torch.randn(2, 1, 8, 8))
    out = with_empty.cells[0](states)
    torch.testing.assert_close(out[:, :4], with_empty.cells[0].preprocessor(states)[1])
    assert out[:, 4:].abs().max() == 0


def test_one_size_keeps_the_form_and_key_of_before():
    record = sample("darts-global", 0).to_json()
    assert set(record["architecture"]) == {"normal", "reduction"}
    assert "after" not in record["settings"]
    assert sample("darts-global", 0, width=[16], cells=[8]).key() == sample("darts-global", 0).key()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": []}, "width is .*; accepted: a whole number, or a list of different ones"),
        ({"cells": [3, 3]}, "cells is .*; accepted: a whole number, or a list of different ones"),
        ({"width": [4, 0]}, "width is 0; accepted: a whole number from 1"),
        ({"width": "4"}, "width is '4'"),
        ({"after": ["global_2"]}, "after is 'global_2' .*; accepted:"),
        ({"after": []}, "after is"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(UserError, match=message):
        SPACE.make_settings(settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 3}, "size/width is 3; accepted: 2, 4"),
        ({"width": True}, "size/width is True"),
        ({"cells": 9}, "size/cells is 9; accepted: 1, 2, 5"),
        ({"after": ["none"]}, "size/after is .*; accepted: a list of 3 primitives"),
        ({"after": ["none", "none", "global_5"]}, "size/after_3 is 'global_5'; accepted: none, global_1"),
        ({"height": 2}, "architecture's size is"),
    ],
)
def test_sizes_that_cannot_be(change, message):
    record = next(g for g in map(sized, range(50)) if g.architecture["size"]["cells"] == 5).to_json()
    record["architecture"]["size"].update(change)
    with pytest.raises(UserError, match=message):
        Genotype.from_json(record)


def test_a_supernet_of_cells_needs_one_size():
    problem = Problem("darts-global", {"width": [4, 8]}, (3, 16, 16), 10)
    with pytest.raises(
        UserError, match="width is 4, 8; accepted here: one value, a supernet of cells has one size"
    ):
        get_space("darts-global").supernet_cells(problem)
