"""The published networks against the counts measured on the authors' code and against the counter."""

import pytest
import torch

from search_space import Genotype, UserError, published, published_names
from search_space.counting import count
from search_space.paper.counts import printed_cost, remarks
from search_space.paper.networks import published_network

# name: (classes, parameters, convolutions' and linear layers' MACs, elements of norms' outputs), as measured
MEASURED = {
    "MNIST-ResNet": (10, 576_778, 29_750_144, 84_032),
    "MNIST-Global": (10, 134_410, 13_866_368, 63_296),
    "Neural-ODE": (10, 208_266, 100_086_656, 277_568),
    "ResNet-32": (10, 466_906, 69_124_736, 315_392),
    "ResNet-56": (100, 861_620, 125_753_600, 544_768),
    "ResNet-Global": (100, 167_252, 14_784_768, 232_448),
    "ResNet-Tiny": (100, 13_826, 3_299_104, 61_824),
    "ResNet-Global-Tiny": (100, 15_923, 3_344_192, 109_312),
    "Wide-ResNet": (100, 9_001_124, 1_327_195_136, 1_490_944),
    "Wide-ResNet-Tiny": (100, 22_604, 9_532_192, 139_776),
    "DenseNet": (100, 800_032, 287_960_472, 4_276_608),
    "DenseNet-Global": (100, 481_192, 132_787_704, 1_663_872),
    "DARTS": (100, 3_401_272, 528_410_880, 5_363_712),
    "DARTS-Global": (100, 843_868, 210_984_192, 3_474_432),
    "DARTS-Tiny": (100, 42_862, 6_829_248, 446_976),
    "MBV2": (1000, 3_504_872, 300_774_272, 6_678_112),
    "MBV2-Global-Public": (1000, 2_952_232, 233_507_072, 6_097_952),
    "MBV3": (1000, 5_483_032, 216_589_760, 4_399_808),
    "MBV3-Global-Public": (1000, 3_868_160, 174_401_696, 4_366_880),
    "EfficientNet-B0": (1000, 5_288_548, 385_814_752, 6_737_696),
    "ResNet-152": (1000, 60_192_808, 11_282_415_616, 22_027_264),
    "DenseNet-169": (1000, 14_149_480, 3_359_843_328, 19_022_976),
    "EfficientNet-B0-Global-Public": (1000, 3_822_932, 295_439_456, 6_464_864),
}
# the PDE's MACs, 7 an element and step, without the 7 an element that are counted once
PDE = {
    "ResNet-Global": 200_704,
    "DenseNet-Global": 142_464,
    "DARTS-Global": 1_548_288,
    "MBV2-Global-Public": 976_864,
}
SOLVED = ("Neural-ODE", "MNIST-NeuPDE", "NeuPDE")  # a solver's loop, not one pass; so are those of MDEQ


@pytest.mark.parametrize("name", MEASURED)
def test_counts_are_those_measured(name: str) -> None:
    classes, params, macs, elements = MEASURED[name]
    cost = published(name, num_classes=classes).cost()
    assert cost.params == params
    assert cost.macs_published == macs + 2 * elements
    if "Global" not in name:
        assert cost.macs == macs
    if name in PDE:  # every layer has one step here, so the PDE counts twice: once for its coefficients
        assert cost.macs == macs + 2 * PDE[name]


# name: (parameters, published MACs) without the classifier, parameters with it
MOBILE = {
    "MBV2-Global": (1_593_280, 194_447_680, 2_874_280),
    "MBV3-Global": (3_275_888, 158_192_736, 4_556_888),
    "EfficientNet-B0-Global": (2_397_032, 242_486_944, 3_678_032),
}


@pytest.mark.parametrize("name", MOBILE)
def test_mobile_networks_by_one_rule(name: str) -> None:
    params, macs, whole = MOBILE[name]
    cost = printed_cost(published_network(name), 1000)
    assert (cost.params, cost.macs_published) == (params, macs)
    assert published(name).cost().params == whole
    assert f"with it {whole:,} and {macs + 1_280_000:,}" in remarks(published_network(name), 1000)


def test_the_other_reading_of_the_mobile_rule() -> None:
    """The note of MBV3-Global names its counts."""
    first, init = (
        "global_constant_diffusivity_1+first_block",
        "global_constant_diffusivity_1+inverted_residual",
    )
    plain = "global_constant_diffusivity_1"
    bodies = ["blocks_1", plain, plain, init, init, first]
    reference = published("MBV3-Global")
    stages = {f"stage{i}": {"width": 1.0, "body": body} for i, body in enumerate(bodies, start=1)}
    cost = Genotype.of(reference.problem, stages).cost()
    counts = (cost.params - 1_281_000, cost.macs_published - 1_280_000)
    assert counts == (2_561_728, 157_606_496)
    assert all(f"{count:,}" in published_network("MBV3-Global").note for count in counts)


@pytest.mark.parametrize("name", [*MOBILE, "ResNet-152", "DenseNet-169"])
def test_networks_of_imagenet_train(name: str) -> None:
    torch.manual_seed(0)
    network = published(name, num_classes=5, image=(3, 32, 32)).build()
    logits = network(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_the_stride_of_resnet_152() -> None:
    """In timm's own the same parameters cost more; the outputs have the same sizes."""
    first = published("ResNet-152")
    timms = Genotype(first.space, first.image, 1000, {}, {"model": "resnet152"})
    assert timms.cost().params == first.cost().params
    assert (timms.cost().macs, timms.cost().macs_published) == (11_513_626_624, 11_558_734_848)
    assert first.cost().macs_published == 11_326_470_144


@pytest.mark.parametrize(
    "name", [name for name in published_names() if name not in SOLVED and "MDEQ" not in name]
)
def test_costs_are_what_the_counter_sees(name: str) -> None:
    genotype = published(name)
    with torch.device("meta"):
        network = genotype.build()
    assert count(network, genotype.image) == genotype.cost()


@pytest.mark.parametrize("name", published_names())
def test_every_tensor_has_one_name(name: str) -> None:
    """Or the weights could not be written."""
    with torch.device("meta"):
        network = published(name).build()
    for tensors in (network.named_parameters, network.named_buffers):
        found = [id(tensor) for _, tensor in tensors(remove_duplicate=False)]
        assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("MNIST-Convolution", 522), ("MNIST-Residual", 524), ("MNIST-Residual-5", 524),
        ("MNIST-Global-Backbone", 524),
    ],
)  # fmt: skip
def test_backbones(name: str, params: int) -> None:
    """The authors' script counts 524 for the convolution, too, of which two are in no use."""
    assert published(name).cost().params == params
    assert published(name).build()(torch.randn(2, 1, 28, 28)).shape == (2, 10)


def test_names_and_sizes() -> None:
    assert published("resnet-global") == published("ResNet-Global", num_classes=10, image=(3, 32, 32))
    assert published("ResNet-Global", image=(3, 64, 64)).image == (3, 64, 64)
    with pytest.raises(UserError, match=r"published network is 'ResNet-33'; accepted: ResNet-32, "):
        published("ResNet-33")
