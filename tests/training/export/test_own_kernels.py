"""Exports that this project's kernels travel with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import pytest
import torch
from torch import nn

from pde_ops import GlobalLayer
from pde_ops.cpu import backend
from tests.training.export.privacy import tells_nothing
from tests.training.networks import TinyGenotype
from training.export import export
from training.export.model_facts import Facts

pytestmark = pytest.mark.skipif(not backend.built(), reason="no C++ compiler here")


class WithGlobalLayers(TinyGenotype):
    """Of a layer whose channels fill a register, and one whose channels do not."""

    def build(self, seed=None):
        torch.manual_seed(0)
        wide, narrow = GlobalLayer(16), GlobalLayer(8, steps=3, boundary="zero-flux")
        for layer in (wide, narrow):
            layer.out_norm.running_var.uniform_(0.5, 1.5)
            for field in (layer.velocity_x, layer.diffusivity_y):
                field.norm.weight.data.uniform_(0.5, 1.5)
        widened = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), narrow, nn.Conv2d(8, 16, 1), wide)
        return nn.Sequential(widened, self.pool(), nn.Linear(16, 10))

    def pool(self):
        return nn.Sequential(nn.AvgPool2d(8), nn.Flatten())


class WithTorchsPool(WithGlobalLayers):
    """Of an operator that PyTorch's exporter alone knows."""

    def pool(self):
        return nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.PixelShuffle(2), nn.Flatten(), nn.Unflatten(1, (16, -1)), nn.Flatten()
        )


PAGE = Path(__file__).resolve().parents[3] / "docs/exports.md"
FORMS = ("onnx-kernels", "openvino-kernels", "aoti")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    result = export(WithGlobalLayers(), None, folder / "out", Facts(), formats=FORMS)
    images = torch.rand(5, 1, 8, 8)
    with torch.no_grad():
        return result, images, WithGlobalLayers().build().eval()(images)


def test_the_files_and_their_latency(exported):
    result, _, _ = exported
    assert result.missing == {}
    assert result.files == (
        "genotype.json", "model.json", "model-kernels.onnx", "pde_layers.so", "model-openvino.onnx",
        "pde_layers_openvino.so", "model-aoti.pt2",
    )  # fmt: skip
    assert list(result.description["latency"]["batch"]["1"]) == ["pytorch", *FORMS]
    assert "ONNX, own kernels" in result.summary()


def test_no_file_tells_of_this_machine(exported):
    names = tells_nothing(exported[0].folder)
    assert "model-aoti.pt2: model-aoti/extra/model.json" in names
    assert any(name.endswith(".so") and "model-aoti" in name for name in names)


def test_onnx_runtime_with_the_library(exported, monkeypatch):
    result, images, logits = exported
    monkeypatch.chdir(result.folder)
    options = onnxruntime.SessionOptions()
    (library,) = re.findall(r'register_custom_ops_library\("(.*)"\)', PAGE.read_text())
    options.register_custom_ops_library(library)
    session = onnxruntime.InferenceSession("model-kernels.onnx", options)
    for count in (5, 1):
        (found,) = session.run(["logits"], {"images": images[:count].numpy()})
        np.testing.assert_allclose(found, logits[:count].numpy(), atol=1e-5)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["latency"])["threads"] == 1


def test_openvino_with_the_library(exported):
    result, images, logits = exported
    core = openvino.Core()
    core.add_extension(str(result.folder / "pde_layers_openvino.so"))
    model = core.read_model(str(result.folder / "model-openvino.onnx"))
    network = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for count in (5, 1):
        (found,) = network([images[:count].numpy()]).values()
        np.testing.assert_allclose(found, logits[:count].numpy(), atol=1e-5)
    model.reshape([2, 1, 8, 8])
    fixed = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    (found,) = fixed([images[:2].numpy()]).values()
    np.testing.assert_allclose(found, logits[:2].numpy(), atol=1e-5)
    told = json.loads(model.get_rt_info(["framework", "latency"]).value)
    assert told["threads"] == 1


def test_where_openvino_is_not_installed_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    result = export(WithGlobalLayers(), None, tmp_path / "out", formats=["onnx", "openvino-kernels"])
    assert result.files == ("genotype.json", "model.json", "model.onnx")
    assert result.missing["openvino-kernels"].startswith("OpenVINO is not installed")


def test_the_package_runs_where_neither_this_project_nor_a_compiler_is(exported, tmp_path):
    result, images, logits = exported
    torch.save((images, logits), tmp_path / "expected.pt")
    program = f"""
import sys
for name in ("pde_ops", "search_space", "training"):
    sys.modules[name] = None  # importing it now fails
import torch
images, logits = torch.load({str(tmp_path / "expected.pt")!r})
package = torch._inductor.aoti_load_package({str(result.folder / "model-aoti.pt2")!r})
before = images.clone()
for count in (5, 1):
    few = images[:count]
    for given in (few, few.mT.contiguous().mT, few.repeat(1, 3, 1, 1)[:, 1:2], few.clone().requires_grad_()):
        print((package(given) - logits[:count]).abs().max().item())
assert torch.equal(images, before)
for given in (images.byte(), images.double(), images[:, :, 1:], images[0], images[:0], images.repeat(1, 3, 1, 1)):
    try:
        package(given)
    except RuntimeError as error:
        print("refused", file=sys.stderr)
"""
    environment = {"PATH": "", "OMP_NUM_THREADS": "1", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    differences = list(map(float, done.stdout.split()))
    assert len(differences) == 8
    assert max(differences) < 1e-5
    assert done.stderr.count("refused") == 6
    accepted = "accepted: float32 of the shape (batch, 1, 8, 8) on a CPU, with one image or more"
    for given in ("uint8 of the shape (5, 1, 8, 8)", "float64 of the shape (5, 1, 8, 8)",
                  "float32 of the shape (5, 1, 7, 8)", "float32 of the shape (1, 8, 8)",
                  "float32 of the shape (0, 1, 8, 8)", "float32 of the shape (5, 3, 8, 8)"):  # fmt: skip
        assert f"images are {given}; {accepted}" in done.stderr


def test_a_network_without_such_a_layer(tmp_path):
    result = export(TinyGenotype(), None, tmp_path / "out", formats=["onnx", "onnx-kernels"])
    assert list(result.missing) == ["onnx-kernels"]
    assert "no ONNX, own kernels: the network has no layer with a kernel" in result.summary()
    assert "pde_layers.so" not in result.files


def test_what_pytorchs_exporter_alone_knows(tmp_path):
    result = export(WithTorchsPool(), None, tmp_path / "out", formats=["onnx-kernels"])
    assert result.missing["onnx-kernels"].startswith("only PyTorch's exporter knows an operator of it")
    assert sorted(path.name for path in result.folder.iterdir()) == ["genotype.json", "model.json"]


def test_without_a_compiler_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    result = export(WithGlobalLayers(), None, tmp_path / "out", formats=["onnx", *FORMS])
    assert result.files == ("genotype.json", "model.json", "model.onnx")
    for name in FORMS:
        assert "no C++ compiler found (no-such-compiler)" in result.missing[name]
