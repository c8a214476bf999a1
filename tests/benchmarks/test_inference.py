import pytest
import torch

from benchmarks import inference
from search_space.paper.networks import published


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([0.20, 0.21, 0.22, 0.23, 0.9], "met"),  # a disturbed round changes nothing
        ([0.26, 0.27, 0.27, 0.28, 0.28], "not met"),
        ([0.23, 0.24, 0.25, 0.26, 0.27], "undecided: the mark is between the quartiles"),
        ([0.10, 0.15, 0.20, 0.25, 0.30], "no verdict: the rounds differ too much, the machine is busy"),
    ],
)
def test_verdicts_go_by_quartiles(ratios, verdict):
    base = [0.5, 1.0, 2.0, 3.0, 4.0]  # however much the machine's speed changes from round to round
    found = inference.Ratio.of([r * b for r, b in zip(ratios, base, strict=True)], base)
    assert found.median == pytest.approx(sorted(ratios)[2])
    assert found.verdict(0.25) == verdict


@pytest.mark.parametrize("name", ["ResNet-Tiny", "ResNet-Global-Tiny"])
def test_folded_networks_compute_the_same(name):
    torch.manual_seed(0)
    network = published(name).build()
    network(torch.randn(8, 3, 32, 32))  # statistics that are not those at the start
    network.eval()
    x = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(inference.folded(network)(x), network(x), rtol=1e-4, atol=1e-4)


def test_each_form_is_compared_with_its_own():
    found = {"ResNet-32": [2.0, 2.0], "ResNet-Global": [1.0, 1.0], "ResNet-32, norms folded": [1.0, 1.0],
             "ResNet-Global, norms folded": [0.25, 0.25]}  # fmt: skip
    ratios = inference.compare(found)
    assert ratios["ResNet-Global"].median == 0.5
    assert ratios["ResNet-Global, norms folded"].median == 0.25
    assert (
        "| ResNet-Global, norms folded | 250.0 | 0.250 | 0.250 to 0.250 | 0.42 | 0.2"
        in inference.times_table(found, ratios)
    )


def test_parts_are_timed_in_order_and_by_the_quickest_round():
    class GlobalLayer(torch.nn.Identity):
        pass

    ticks = iter([0, 3, 10, 12, 20, 21, 0, 2, 10, 15, 20, 26])  # start and end of three parts, two rounds
    networks = {"net": torch.nn.Sequential(torch.nn.ReLU(), GlobalLayer(), torch.nn.Flatten())}
    how = {"repeats": 1, "clock": lambda: float(next(ticks))}
    parts = inference.least_of_parts(networks, torch.randn(2, 3), **how)
    assert parts == {"net": [("ReLU", 2.0), ("GlobalLayer", 2.0), ("Flatten", 1.0)]}
    text = inference.parts_text(parts | {"base": [("Flatten", 10.0)]}, "net", "base")
    assert "ReLU 2000.00, GlobalLayer 2000.00, Flatten 1000.00; together 5000.00 of 10000.00 for base" in text
    assert text.endswith("0.500, without the global layers 0.300")
