"""`tiny-global`: what an architecture holds, what it costs, and what its blocks compute."""

import random

import pytest
import torch

from search_space import Genotype, UserError, get_space, mutate, sample
from search_space.counting import count
from search_space.families.inverted_residual import InvertedResidual
from search_space.primitives.depthwise import DepthwiseSplit

SPACE = get_space("tiny-global")


def test_an_architecture_holds_the_blocks_that_there_are() -> None:
    genotype = sample("tiny-global", 3)
    for place in (1, 2, 3):
        blocks = [name for name in genotype.architecture if name.startswith(f"stage{place}/")]
        assert len(blocks) == genotype.architecture[f"stage{place}"]["depth"]


def test_a_block_that_is_not_there_changes_nothing() -> None:
    genotype = sample("tiny-global", 3)
    choices = SPACE.choices(genotype.problem, genotype.architecture)
    for label in SPACE.idle(genotype.problem, genotype.architecture):
        options = {d.label: d.options for d in SPACE.decisions(genotype.problem)}[label]
        for option in options:
            assert Genotype.of_choices(genotype.problem, {**choices, label: option}) == genotype


def test_mutation_changes_what_is_there_and_draws_what_comes_in() -> None:
    rng, operators = random.Random(0), set()
    genotype = sample("tiny-global", 0, stages=1, depths=[1, 2])
    for _ in range(300):
        changed = mutate(genotype, rng)
        assert changed != genotype
        if "stage1/block2" in changed.architecture and "stage1/block2" not in genotype.architecture:
            operators.add(changed.architecture["stage1/block2"]["operator"])
        genotype = changed
    assert len(operators) > 3


def test_the_default_spans_the_budgets() -> None:
    problem = sample("tiny-global", 0).problem
    firsts = {d.label: d.options[0] for d in SPACE.decisions(problem)} | {"stem/stride": 2}
    assert Genotype.of_choices(problem, firsts).cost().macs < 300_000
    macs = sorted(sample("tiny-global", seed).cost().macs for seed in range(100))
    assert macs[-1] > 30_000_000
    assert sum(300_000 < m < 30_000_000 for m in macs) > 80


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8, 18])
@pytest.mark.parametrize("stride", [1, 2])
def test_split_channels_are_mixed_or_kept(channels: int, stride: int) -> None:
    split = DepthwiseSplit(channels, stride).eval()
    assert sum(split.sizes) == channels
    assert split.sizes == sorted(split.sizes, reverse=True)
    assert split.sizes[0] >= 1
    x = torch.randn(2, channels, 7, 7)
    out = split(x)
    kept = split.sizes[-1]
    if kept:
        expected = split.norm(torch.cat([out[:, :-kept], x[:, -kept:, ::stride, ::stride]], 1))[:, -kept:]
        torch.testing.assert_close(out[:, -kept:], expected)
    assert DepthwiseSplit.cost(channels, stride, (7, 7)) == count(split, (channels, 7, 7))


def test_a_block_adds_its_input_where_it_can() -> None:
    x = torch.randn(2, 4, 6, 6)
    for out_channels, stride, added in ((4, 1, True), (4, 2, False), (6, 1, False)):
        block = InvertedResidual(4, out_channels, "depthwise_3x3", 3, True, stride, "hard-swish").eval()
        torch.nn.init.zeros_(block.layers[-1].weight)
        expected = x if added else torch.zeros(2, out_channels, 6 // stride, 6 // stride)
        torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage1/block1": {"expansion": 99}}, "lacks stage1/block1/operator"),
        ({"stage1": {"width": 8, "depth": 9}}, "stage1/depth is 9"),
        ({"stage1": {"width": 8, "depth": True}}, "stage1/depth is True"),
        ({"stage1": 3}, "architecture"),
        ({"stage1/block7": {"expansion": 1}}, "stage1/block7"),
    ],
)
def test_architectures_that_cannot_be(change: dict, message: str) -> None:
    record = sample("tiny-global", 0, stages=1).to_json()
    record["architecture"].update(change)
    with pytest.raises(UserError, match=message) as caught:
        Genotype.from_json(record)
    assert "\n" not in str(caught.value)
