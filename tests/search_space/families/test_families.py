"""Every family against the independent counter, and its decisions against genotypes and NNI's mutables."""

import random

import pytest
import timm
import torch

from search_space import Genotype, UserError, get_space, mutate, published, sample, space_names
from search_space.cells.drop_path import set_drop_path
from search_space.counting import count
from search_space.families.timm_blocks import MobileBlock

FIXED = ("darts-global", "ode-baseline", "timm-network", "mdeq")
SEARCHED = [name for name in space_names() if name not in FIXED]


def image(space: str) -> tuple[int, int, int]:
    return (1, 28, 28) if space == "mnist-global" else (3, 32, 32)


@pytest.mark.parametrize("space", SEARCHED)
@pytest.mark.parametrize("seed", [0, 1])
def test_cost_is_what_the_counter_sees(space: str, seed: int) -> None:
    genotype = sample(space, seed, image=image(space), classes=7)
    with torch.device("meta"):
        network = genotype.build()
    assert count(network, genotype.image) == genotype.cost()
    assert genotype.cost().params == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("space", SEARCHED)
def test_json_and_mutation_keep_to_the_space(space: str) -> None:
    genotype = sample(space, 2, image=image(space))
    assert Genotype.from_json(genotype.to_json()) == genotype
    changed = mutate(genotype, random.Random(3))
    found, pair = get_space(space), (genotype, changed)
    before, after = (found.choices(g.problem, g.architecture) for g in pair)
    idle = set().union(*(found.idle(g.problem, g.architecture) for g in pair))
    assert sum(before[label] != after[label] for label in before if label not in idle) == 1


@pytest.mark.parametrize("space", SEARCHED)
def test_a_sampled_network_trains(space: str) -> None:
    torch.manual_seed(0)
    genotype = sample(space, 4, image=image(space), classes=5)
    network = genotype.build()
    set_drop_path(network, 0.2)
    logits = network(torch.randn(2, *genotype.image))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ("name", "theirs"), [("EfficientNet-B0", "efficientnet_b0"), ("MBV2", "mobilenetv2_100")]
)
def test_drop_path_by_depth_is_timms(name: str, theirs: str) -> None:
    network = published(name).build()
    set_drop_path(network, 0.2, by_depth=True)
    ours = [m.block.drop_path for m in network.modules() if isinstance(m, MobileBlock) and m.block.has_skip]
    blocks = [m for m in timm.create_model(theirs, drop_path_rate=0.2).modules() if hasattr(m, "has_skip")]
    expected = [getattr(block.drop_path, "drop_prob", 0.0) for block in blocks if block.has_skip]
    assert [1 - path.keep.item() for path in ours] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("space", ["resnet-global", "mobilenet-v3-global", "mnist-global", "tiny-global"])
def test_model_space_freezes_to_the_genotype(space: str) -> None:
    found = get_space(space)
    genotype = sample(space, 5, image=image(space))
    model = found.model_space(genotype.problem)
    assert set(model.simplify()) == {d.label for d in found.decisions(genotype.problem)}
    choices = found.choices(genotype.problem, genotype.architecture)
    assert model.freeze(found.to_nni(choices)).genotype == genotype


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        ("resnet-global", {"layers": ["global_0"]}, "global layer is 'global_0'"),
        ("resnet-global", {"widths": [16, 16]}, "different whole numbers"),
        ("resnet-global", {"start": "large"}, "start is 'large'"),
        ("densenet-global", {"depths": []}, "depths is"),
        ("darts-network-global", {"cells": [2]}, "3 or more"),
        ("darts-network-global", {"normal": [[["sep_conv_3x3", 2]]]}, "input is 2"),
        ("mobilenet-v2-global", {"layers": ["none"]}, "layers has none"),
        ("mobilenet-v2-global", {"widths": [0]}, "widths is 0"),
        (
            "tiny-global",
            {"operators": ["depthwise_3x3+global_9x"]},
            "operators has 'depthwise_3x3.global_9x'",
        ),
        ("tiny-global", {"operators": []}, "operators is"),
        ("tiny-global", {"squeezes": ["half"]}, "squeezes is 'half'"),
        ("tiny-global", {"activation": "step"}, "activation is 'step'"),
        ("mnist-global", {"widths": [48]}, "widths has 48"),
        ("mnist-global", {"frame": "round"}, "frame is 'round'"),
    ],
)
def test_settings_that_cannot_be(space: str, settings: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        get_space(space).make_settings(settings)
    assert "\n" not in str(caught.value)


def test_architectures_that_cannot_be() -> None:
    genotype = sample("resnet-global", 0)
    record = genotype.to_json()
    record["architecture"]["stage9"] = {"width": 16}
    with pytest.raises(UserError, match="stage9/width"):
        Genotype.from_json(record)
    record = genotype.to_json()
    record["architecture"]["stage1"]["blocks"] = 0
    with pytest.raises(UserError, match="stage1/blocks is 0"):
        Genotype.from_json(record)
    with pytest.raises(UserError, match="too small"):
        sample("densenet-global", 0, image=(3, 3, 3))
