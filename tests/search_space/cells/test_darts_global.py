"""The space: published costs, costs by edge, NNI's labels, networks of odd sizes, drop path, export."""

import pytest
import torch

from search_space import Cost, Genotype, GenotypeError, Problem, get_space, sample
from search_space.cells.drop_path import DropPath, set_drop_path
from search_space.cells.layout import reduction_positions
from search_space.cells.model_space import DartsGlobal
from search_space.sampling import random_genotype
from tests.search_space.darts_v2 import ARCHITECTURE, darts_v2

SPACE = get_space("darts-global")


@pytest.mark.parametrize(
    ("width", "expected"),
    [(36, Cost(3_401_272, 528_410_880, 539_138_304)), (3, Cost(42_862, 6_829_248, 7_723_200))],
)
def test_darts_of_20_cells_on_cifar_100_costs_what_the_published_network_does(width, expected):
    assert darts_v2(width, 20, 100).cost() == expected


def test_reductions_stand_at_one_and_two_thirds():
    found = {cells: reduction_positions(cells) for cells in (1, 2, 3, 4, 6, 8, 20)}
    assert found == {1: (), 2: (1,), 3: (1, 2), 4: (1, 2), 6: (2, 4), 8: (2, 5), 20: (6, 13)}


@pytest.mark.parametrize(
    "settings", [{}, {"cells": 1}, {"nodes": 3, "inputs": 1, "cells": 5, "stem": "large"}]
)
def test_edge_costs_add_up_to_the_cost_of_any_genotype(settings):
    costs = SPACE.supernet_cells(Problem("darts-global", {"width": 4, **settings}, (3, 18, 15), 7))
    for seed in range(50):
        genotype = sample("darts-global", seed, image=(3, 18, 15), classes=7, width=4, **settings)
        total = costs.fixed
        for kind, nodes in genotype.architecture.items():
            for node, pairs in enumerate(nodes, start=2):
                for primitive, source in pairs:
                    total += costs.edges[kind, node, source, primitive]
        assert total == genotype.cost()


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_nni_has_the_labels_and_options_of_the_decisions(cells):
    settings = {"width": 2, "cells": cells, "nodes": 3, "primitives": ["skip_connect", "global_1"]}
    problem = Problem("darts-global", settings, (1, 8, 8), 10)
    mutables = SPACE.model_space(problem).simplify()
    assert {label: tuple(mutable.values) for label, mutable in mutables.items()} == {
        decision.label: decision.options for decision in SPACE.decisions(problem)
    }


def test_nni_freezes_to_a_network_with_the_genotypes_parameters_and_outputs():
    genotype = sample("darts-global", 3, image=(1, 8, 8), width=4, cells=3, nodes=2)
    sampled = SPACE.to_nni(SPACE.choices(genotype.problem, genotype.architecture))
    space = SPACE.model_space(genotype.problem)
    assert isinstance(space, DartsGlobal)
    frozen, built = space.freeze(sampled).eval(), genotype.build().eval()
    assert Genotype.of_choices(genotype.problem, sampled) == genotype
    theirs, ours = list(frozen.parameters()), list(built.parameters())
    assert sum(p.numel() for p in theirs) == sum(p.numel() for p in ours) == genotype.cost().params
    # Both list each cell's preprocessor, then its edges in the order of the nodes.
    for one, other in zip(ours, theirs, strict=True):
        one.data.copy_(other)
    images = torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(frozen(images), built(images))


@pytest.mark.parametrize("cells", [1, 2, 3, 5])
@pytest.mark.parametrize("stem", ["small", "large"])
@pytest.mark.parametrize("image", [(1, 8, 8), (3, 33, 47), (5, 3, 1)])
def test_networks_of_any_size_give_logits_and_train(image, stem, cells):
    genotype = sample(
        "darts-global",
        cells,
        image=image,
        classes=3,
        width=3,
        cells=cells,
        nodes=2,
        stem=stem,
        auxiliary=True,
    )
    network = genotype.build()
    set_drop_path(network, 0.2)
    output = network(torch.rand(4, *image))
    if cells == 1:  # no reduction, so no auxiliary head
        assert output.shape == (4, 3)
        output = (output,)
    else:
        assert [o.shape for o in output] == [(4, 3), (4, 3)]
    sum(o.square().sum() for o in output).backward()
    # Only a cell's input that no node took is out of the gradient's reach.
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert [n for n in without if ".preprocessor." not in n and not n.startswith("stem.second.")] == []
    assert network.eval()(torch.rand(4, *image)).shape == (4, 3)


def test_drop_path_drops_edges_of_whole_images_and_keeps_the_mean():
    torch.manual_seed(0)
    drop = DropPath()
    x = torch.ones(20_000, 1, 2, 2)
    assert torch.equal(drop(x), x)
    drop.set(0.25)
    dropped = drop(x)
    assert dropped.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert torch.equal(dropped.amin((1, 2, 3)), dropped.amax((1, 2, 3)))
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(drop.eval()(x), x)


def test_a_network_exports_with_a_batch_of_any_size():
    genotype = sample("darts-global", 1, image=(1, 8, 8), width=2, cells=3, nodes=2)
    network = genotype.build().eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(network, (torch.rand(3, 1, 8, 8),), dynamic_shapes=({0: batch},))
    images = torch.rand(5, 1, 8, 8)
    torch.testing.assert_close(program.module()(images), network(images))


def test_pairs_have_one_order():
    turned = {kind: [pairs[::-1] for pairs in nodes] for kind, nodes in ARCHITECTURE.items()}
    assert Genotype("darts-global", (3, 32, 32), 10, {}, turned) == darts_v2(16, 8, 10)


def test_choices_and_architecture_are_each_others_inverse():
    problem = Problem("darts-global", {"cells": 3}, (3, 32, 32), 10)
    for seed in range(20):
        genotype = random_genotype(problem, seed)
        choices = SPACE.choices(problem, genotype.architecture)
        assert set(choices) == {d.label for d in SPACE.decisions(problem)}
        assert SPACE.assemble(problem, choices) == genotype.architecture
        assert Genotype.of(problem, genotype.architecture) == genotype


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "width is 0; accepted: a whole number from 1"),
        ({"cells": 1.5}, "cells is 1.5; accepted"),
        ({"cells": 10**9}, "cells is 1000000000; accepted"),
        ({"inputs": 3}, "inputs is 3; accepted: a whole number from 1 to 2"),
        ({"stem": "big"}, "stem is 'big'; accepted: small, large"),
        ({"auxiliary": 1}, "auxiliary is 1; accepted: true or false"),
        ({"primitives": []}, "primitives is .*non-empty"),
        ({"primitives": ["conv"]}, "primitives is 'conv' .*; accepted: .*skip_connect"),
        ({"primitives": ["global_1", "global_1"]}, "at most once"),
        ({"depth": 3}, "'depth' is no setting of darts-global; accepted: width"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, message):
    with pytest.raises(GenotypeError, match=message):
        Genotype("darts-global", (3, 32, 32), 10, settings, ARCHITECTURE)
