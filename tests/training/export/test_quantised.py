"""The ONNX file in 8-bit integers."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from pde_ops import GlobalLayer
from records.errors import UserError
from tests.training.networks import TinyGenotype
from training.data.loading import load_data
from training.export import export
from training.export.model_facts import Facts
from training.export.onnx_form import quantised

DIGITS = load_data("digits", validation=0.0)


class WithGlobalLayer(TinyGenotype):
    """Trained for a moment, so that its accuracy is far from chance."""

    def build(self, seed=None):
        torch.manual_seed(1)
        net = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), GlobalLayer(8), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(32, 10)
        )  # fmt: skip
        optimizer = torch.optim.Adam(net.parameters(), 0.02)
        for seed_ in range(3):
            for images, labels in DIGITS.train.batches(64, seed=seed_):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(images), labels).backward()
                optimizer.step()
        return net


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    facts = Facts(DIGITS.info, data=lambda: DIGITS)
    folder = tmp_path_factory.mktemp("export") / "out"
    return export(WithGlobalLayer(), None, folder, facts, formats=["int8", "onnx"])


def test_accuracies_are_those_of_the_files(exported):
    facts = exported.description["int8"]
    assert exported.missing == {}
    assert (facts["test_images"], facts["calibration_images"]) == (360, 512)
    for file, told in (("model.onnx", "test_accuracy_float32"), ("model-int8.onnx", "test_accuracy")):
        session = onnxruntime.InferenceSession(str(exported.folder / file))
        (logits,) = session.run(None, {"images": DIGITS.test.images.float().numpy()})
        accuracy = (np.argmax(logits, 1) == DIGITS.test.labels.numpy()).mean()
        assert accuracy == pytest.approx(facts[told], abs=1 / 360)
        assert accuracy > 0.8
    assert quantised.told(facts) in exported.summary()


def test_the_convolutions_are_integers_and_the_equation_is_not(exported):
    graph = onnx.load(exported.folder / "model-int8.onnx").graph
    made_by = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    in_integers = [n for n in convolutions if made_by.get(n.input[1], n).op_type == "DequantizeLinear"]
    assert len(in_integers) == 5  # the first convolution, and those of the four coefficients
    weights = {tensor.name: tensor for tensor in graph.initializer}
    assert any(tensor.data_type == onnx.TensorProto.INT8 for tensor in weights.values())
    equation = [node for node in convolutions if node.name.startswith("equation")]
    assert len(equation) > 5
    assert all(weights[node.input[1]].data_type == onnx.TensorProto.FLOAT for node in equation)


def test_a_loss_above_the_bound_is_told():
    facts = {"test_accuracy": 0.9, "test_accuracy_float32": 0.905, "test_images": 10}
    assert "loses" not in quantised.told(facts)
    assert "it loses 1.50 points, more than 1" in quantised.told(facts | {"test_accuracy_float32": 0.915})


def test_without_images_it_says_so(tmp_path):
    def gone():
        raise UserError("no file cifar10.npz")

    for number, (facts, reason) in enumerate(
        (
            (Facts(), "it needs images of the data set; name it with --dataset and --data-dir"),
            (Facts(DIGITS.info, data=gone), "it needs images of the data set: no file cifar10.npz"),
        )
    ):
        result = export(TinyGenotype(), None, tmp_path / str(number), facts, formats=["int8"])
        assert result.missing == {"int8": reason}
        assert f"no ONNX, int8: {reason}" in result.summary()
        assert "int8" not in result.description
