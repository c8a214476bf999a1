"""The ablations' networks against the counts measured on the authors' classes, and against the counter."""

import csv

import pytest
import torch

from records.errors import UserError
from search_space import Genotype, primitive_names, published, published_names
from search_space.counting import count
from search_space.paper.ablation_rows import ablation_rows, ablation_table, write_csv
from search_space.paper.ablations import ABLATIONS, measured
from search_space.primitives.kinds import KINDS, PRIMITIVES

NAMES = [network.name for network in ABLATIONS]
# One of each kind of layer, at few MACs, and the networks of another form than those.
SMALL = [
    name for name in NAMES if name.startswith("ResNet-Global") or name in ("MNIST-Global-5-Learned", "DARTS-Global-Tiny-Early")
]  # fmt: skip


def test_counts_are_those_measured_to_the_digit():
    facts = measured()
    assert len(facts) == 2 * 6 * 4 + 2
    for fact in facts:
        cost = published(fact.network, num_classes=fact.classes).cost()
        assert cost.params == fact.params, fact
        assert fact.macs_published in (cost.macs_published, None), fact


@pytest.mark.parametrize("name", SMALL)
def test_the_cost_is_the_counters(name):
    genotype = published(name)
    cost = genotype.cost()
    counted = count(genotype.build(), genotype.image)
    assert (counted.params, counted.macs) == (cost.params, cost.macs)


def test_each_network_is_another_one_and_stays_itself():
    keys = {published(name).key() for name in NAMES}
    assert len(keys) == len(NAMES) == len(set(NAMES))
    assert not set(NAMES) & set(published_names())
    assert published_names(ablations=True) == (*published_names(), *NAMES)
    for name in NAMES[::7]:
        genotype = published(name)
        assert Genotype.from_json(genotype.to_json()) == genotype


def test_no_default_and_no_primitive_has_an_ablation():
    ablations = KINDS.keys() - {*PRIMITIVES}
    assert len(ablations) == 21
    settings = published("ResNet-Global").problem.settings
    for names in (settings["layers"], primitive_names()):
        assert not any(name.startswith(kind) for name in names for kind in ablations)


def test_the_options_change_what_is_computed():
    """Every option of ResNet-56-Global but one is another function of the same weights; with the identity as Init the
    state before the start is the source."""
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    plain = published("ResNet-56-Global").build(seed=3).eval()
    for option, same in (
        ("Residual", False),
        ("No-Source", False),
        ("Grid-2", False),
        ("Previous-State", True),
    ):
        other = published(f"ResNet-56-Global-{option}").build(seed=3).eval()
        other.load_state_dict(plain.state_dict())
        with torch.inference_mode():
            difference = (other(pixels) - plain(pixels)).abs().max()
        assert (difference < 1e-6) == same, option


def test_rows_say_what_is_known(tmp_path):
    rows = ablation_rows()
    standing = {row.network: row.standing for row in rows}
    assert standing["ResNet-Global-Velocity-Full"] == "measured"
    assert standing["ResNet-Global-Neither"] == "described"
    assert standing["Wide-ResNet-Global-Tiny-Early"] == "inferred"
    assert len(rows) == len(ABLATIONS) + 12  # two numbers of classes of the first twelve
    text = ablation_table(rows).splitlines()
    assert len(text) == len(rows) + 1
    assert len({line.index("measured") for line in text[1:13]}) == 1
    with write_csv(rows, tmp_path / "rows.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["network"] for line in lines] == [row.network for row in rows]
    assert lines[1] | {"params": "167476", "measured_macs": ""} == lines[1]


def test_an_unknown_name_says_where_the_ablations_are():
    with pytest.raises(UserError, match="published --ablations"):
        published("ResNet-Global-Velocity-Cubic")
