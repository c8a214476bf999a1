"""MDEQ's counts against those measured on its owners' public code."""

import csv
from pathlib import Path

import pytest
import torch
from torch import nn

pytest.importorskip("torchdeq")

from search_space import Genotype, get_space
from search_space.counting import count
from search_space.equilibrium.configurations import CONFIGURATIONS
from search_space.equilibrium.head import EquilibriumHead
from search_space.equilibrium.layer import MultiscaleLayer
from search_space.equilibrium.solve import Stem
from search_space.paper.counts import printed_cost, remarks
from search_space.paper.networks import published_network
from search_space.paper.rows import facts

REFERENCE = Path(__file__).parents[1] / "reference" / "mdeq_counts.csv"
# our name: (configuration and source of a line, classes)
LINES = {
    "TINY": ("TINY", "locuslab/deq 2021-10", 10),
    "TINY_mdeq": ("TINY", "locuslab/mdeq 2021-06", 10),
    "LARGE": ("LARGE", "locuslab/deq 2021-10", 10),
    "LARGE of 100 classes": ("LARGE, 100 classes", "locuslab/deq 2021-10", 100),
    "LARGE_reg": ("LARGE_reg", "locuslab/deq 2021-10", 10),
    "SMALL": ("SMALL", "locuslab/deq 2021-10", 1000),
    "SMALL_reg": ("SMALL_reg", "locuslab/deq 2021-10", 1000),
    "LARGE_half": ("inferred 1.1M: LARGE halved, three scales", "not published", 10),
}


def line(name: str) -> dict[str, str]:
    with REFERENCE.open() as file:
        read = {(each["configuration"], each["source"]): each for each in csv.DictReader(file)}
    return read[LINES[name][:2]]


def genotype(name: str) -> Genotype:
    classes = LINES[name][2]
    image = (3, 224, 224) if classes == 1000 else (3, 32, 32)
    return Genotype("mdeq", image, classes, {}, {"configuration": name.partition(" ")[0]})


@pytest.mark.parametrize("name", LINES)
def test_counts_are_those_measured(name: str) -> None:
    theirs, ours = line(name), genotype(name)
    cost = ours.cost()
    once = get_space("mdeq").evaluation_cost(ours.problem, ours.architecture)
    assert cost.params == int(theirs["params"])
    assert once.params == 0
    assert once.macs == int(theirs["macs_f_once"])
    assert cost.macs == int(theirs["macs_evaluating"])
    assert (cost + once).macs == int(theirs["macs_training_forward"])
    assert once.macs_published - once.macs == 2 * int(theirs["norm_elements_f_once"])
    times = int(theirs["evaluations_evaluating"])
    assert CONFIGURATIONS[name.partition(" ")[0]].threshold + 1 == times
    assert cost.macs_published - cost.macs == 2 * (
        times * int(theirs["norm_elements_f_once"]) + int(theirs["norm_elements_rest"])
    )
    with torch.device("meta"):
        network = ours.build()
    assert sum(p.numel() for p in network.parameters()) == cost.params


def test_the_posters_counts_are_of_one_pass() -> None:
    """Of training for 8.3B and 21B, of evaluation for 1.5B; the rows say so and name both."""
    for network, name, key in (
        ("MDEQ", "LARGE of 100 classes", "macs_training_forward"),
        ("MDEQ-Small-Reg", "SMALL_reg", "macs_training_forward"),
        ("MDEQ-Half", "LARGE_half", "macs_evaluating"),
    ):
        record, classes = published_network(network), LINES[name][2]
        assert printed_cost(record, classes).macs == int(line(name)[key])
        told = remarks(record, classes)
        for each in ("macs_evaluating", "macs_training_forward"):
            assert f"{int(line(name)[each]):,}" in told
        assert told.endswith("training" if key == "macs_training_forward" else "evaluation")


def test_facts_are_those_of_the_reference() -> None:
    found = [fact for fact in facts() if fact.network in ("MDEQ", "MDEQ-Small-Reg")]
    assert len(found) == 4
    for fact in found:
        theirs = line("LARGE of 100 classes" if fact.network == "MDEQ" else "SMALL_reg")
        norms = int(theirs["evaluations_training_forward"]) * int(theirs["norm_elements_f_once"])
        norms += int(theirs["norm_elements_rest"])
        assert fact.measured_params == int(theirs["params"])
        assert fact.measured_macs == int(theirs["macs_training_forward"]) + 2 * norms


class Evaluated(nn.Module):
    """One evaluation of f from states of zeros."""

    def __init__(self, layer: MultiscaleLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sizes = self.layer.sizes((x.shape[2], x.shape[3]))
        states = [x.new_zeros(len(x), c, *size) for c, size in zip(self.layer.widths, sizes, strict=True)]
        return self.layer(states, x, self.layer.keep(len(x)))[0]


@pytest.mark.parametrize("side", [16, 19])
@pytest.mark.parametrize("name", ["TINY_mdeq", "LARGE"])
def test_the_counter_sees_one_evaluation(name: str, side: int) -> None:
    with torch.device("meta"):
        layer = MultiscaleLayer(CONFIGURATIONS[name])
    assert count(Evaluated(layer), (layer.widths[0], side, side)) == layer.cost((side, side))


class Headed(nn.Module):
    """A head on scales of zeros."""

    def __init__(self, head: EquilibriumHead, layer: MultiscaleLayer) -> None:
        super().__init__()
        self.head, self.sizes, self.widths = head, layer.sizes, layer.widths

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sizes = self.sizes((x.shape[2], x.shape[3]))
        return self.head([x.new_zeros(len(x), c, *s) for c, s in zip(self.widths, sizes, strict=True)])


@pytest.mark.parametrize("name", ["TINY", "SMALL_reg"])
def test_the_counter_sees_stem_and_head(name: str) -> None:
    chosen = CONFIGURATIONS[name]
    with torch.device("meta"):
        stem = Stem(3, chosen.channels[0], chosen.large_images)
        head = EquilibriumHead(name, 7)
        headed = Headed(head, MultiscaleLayer(chosen))
    assert count(stem, (3, 30, 30)) == stem.cost((30, 30))
    assert count(headed, (chosen.channels[0], 17, 17)) == head.cost((17, 17))
