"""What the deployment benchmark compares, and what it says of it."""

from __future__ import annotations

import json

from benchmarks import deployment
from benchmarks.deployment import MARKED, found_cell, in_pytorch, measure, plain_cell, rows, training_steps
from tests.training.networks import TinyGenotype


def test_the_plain_cell_has_the_same_macs_and_no_global_layer():
    found = found_cell()
    plain = plain_cell(found)
    assert abs(plain.cost().macs / found.cost().macs - 1) < 0.1
    assert "global" in json.dumps(found.architecture)
    assert "global" not in json.dumps(plain.architecture)


class OfColour(TinyGenotype):
    def build(self, seed=None):
        from tests.training.networks import TinyNet

        return TinyNet(channels=3)


def test_every_form_that_both_have_is_measured():
    runs = in_pytorch(OfColour()), {"float32": lambda images: None, "other": lambda images: None}
    records = measure(runs, [1, 2], rounds=3)
    assert [(record["form"], record["images"]) for record in records] == [("float32", 1), ("float32", 2)]
    assert all(len(seconds) == 3 for record in records for seconds in record["seconds"])
    steps = training_steps(OfColour())
    assert len(measure((steps, steps), [4], rounds=2)) == 2


def test_a_mark_is_of_resnet_alone():
    records = [{"form": "onnx", "images": 1, "seconds": ([0.3] * 4, [1.0] * 4)}]
    assert rows(MARKED, records) == [
        f"| {MARKED} | onnx | 1 | 300.00 | 0.300 | 0.300 to 0.300 | at most 0.4: met |"
    ]
    assert rows("another", records)[0].endswith("| 0.300 to 0.300 |  |")
    assert MARKED in deployment.pairs()
