"""What an export leaves: files that are enough on their own, and that tell nothing of this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from pde_ops import GlobalLayer
from records.errors import UserError
from records.run_files.run_lock import locked
from search_space import published, sample
from tests.training.export.privacy import tells_nothing
from tests.training.networks import TinyGenotype, TinyNet
from training.data.datasets import DatasetInfo
from training.export import bundle, export, load_weights, save_weights
from training.export.model_facts import Accuracy, Facts
from training.export.onnx_form import file as onnx_file

ROOT = Path(__file__).resolve().parents[3]
INFO = DatasetInfo("grey", (1, 8, 8), 10, (0.3,), (0.4,), flip=False, class_names=tuple("abcdefghij"))
ALL = ("genotype.json", "model.json", "weights.safetensors", "model.onnx", "model.pt2")


class WithGlobalLayer(TinyGenotype):
    def build(self, seed=None):
        layer = GlobalLayer(8, steps=3, boundary="zero-flux")
        net = TinyNet()
        net.norm = nn.Sequential(net.norm, layer)
        return net


class WithBranchOnData(TinyGenotype):
    """Of a module that does what the images' values say."""

    class Net(TinyNet):
        def forward(self, x):
            return super().forward(x if x.mean() > 0 else -x)

    def build(self, seed=None):
        return self.Net()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network of trained-looking weights, what was exported of it, and pixels of another batch size."""
    folder = tmp_path_factory.mktemp("export")
    torch.manual_seed(1)
    model = WithGlobalLayer().build()
    for name, tensor in model.named_buffers():
        if "running" in name:
            tensor.uniform_(0.5, 1.5)
    save_weights(model, folder / "trained.safetensors")
    facts = Facts(INFO, Accuracy(0.75, "test", 360))
    result = export(WithGlobalLayer(), folder / "trained.safetensors", folder / "out", facts)
    pixels = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8)
    with torch.no_grad():
        logits = model.eval()((pixels / 255 - 0.3) / 0.4)
    return model, result, pixels, logits


def test_all_files(exported):
    model, result, _, _ = exported
    assert result.files == ALL
    assert sorted(entry.name for entry in result.folder.iterdir()) == sorted(result.files)
    assert result.program_difference < 1e-5
    weights = load_file(result.folder / "weights.safetensors")
    assert torch.equal(weights["head.weight"], model.head.weight)


def test_onnx_takes_raw_pixels(exported):
    _, result, pixels, logits = exported
    onnx.checker.check_model(str(result.folder / "model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(str(result.folder / "model.onnx"))
    (found,) = session.run(["logits"], {"images": pixels.float().numpy()})
    np.testing.assert_allclose(found, logits.numpy(), atol=1e-5)


def test_program_runs_where_this_project_is_not_installed(exported, tmp_path):
    _, result, pixels, logits = exported
    torch.save((pixels, logits), tmp_path / "expected.pt")
    program = f"""
import sys
for name in ("pde_ops", "search_space", "training"):
    sys.modules[name] = None  # importing it now fails
import torch
pixels, logits = torch.load({str(tmp_path / "expected.pt")!r})
extra = {{"model.json": ""}}
exported = torch.export.load({str(result.folder / "model.pt2")!r}, extra_files=extra)
program = exported.module()
for images in (pixels.float(), pixels):
    print((program(images) - logits).abs().max().item())
print(tuple(program(pixels[:1].float()).shape))
print([str(symbol) for symbol in exported.range_constraints])
print(extra["model.json"])
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    as_floats, as_bytes, shape, names, *description = run.stdout.splitlines()
    assert float(as_floats) < 1e-5
    assert float(as_bytes) < 1e-5
    assert shape == "(1, 10)"
    assert names == "['batch']"
    assert json.loads("\n".join(description)) == result.description


def test_all_that_is_known_stands_in_each_file(exported):
    _, result, _, _ = exported
    content = json.loads((result.folder / "model.json").read_text())
    assert content == result.description
    assert content["weights"] == "trained"
    assert content["accuracy"] == {"value": 0.75, "set": "test", "images": 360}
    assert content["input"]["shape"] == ["batch", 1, 8, 8]
    assert (content["input"]["layout"], content["input"]["type"]) == ("NCHW", "float32")
    assert content["input"]["range"] == [0, 255]
    assert (content["input"]["normalisation"]["mean"], content["input"]["normalisation"]["std"]) == (
        [0.3],
        [0.4],
    )
    assert content["class_names"] == list("abcdefghij")
    assert (content["params"], content["macs"], content["macs_published"]) == (182, 1232, 1488)
    assert content["genotype"] == WithGlobalLayer().key()
    assert content["project"]["name"] == "pde-nas"
    said = {p.key: p.value for p in onnx.load(result.folder / "model.onnx").metadata_props}
    assert said.keys() == content.keys()
    assert json.loads(said["input"]) == content["input"]
    assert json.loads(said["class_names"]) == content["class_names"]


def test_no_file_tells_of_this_machine(tmp_path):
    genotype = sample("darts-global", 3, image=(1, 8, 8), width=4, cells=2)
    save_weights(genotype.build(), tmp_path / "w.safetensors")
    export(genotype, tmp_path / "w.safetensors", tmp_path / "out", Facts(INFO))
    assert "model.pt2: archive/models/model.json" in tells_nothing(tmp_path / "out")


def test_files_are_of_the_size_of_the_weights(tmp_path):
    genotype = sample("darts-global", 0, image=(1, 8, 8), width=8, cells=3)
    result = export(genotype, None, tmp_path / "out", Facts(INFO))
    weights = sum(tensor.numel() * tensor.element_size() for tensor in genotype.build().state_dict().values())
    for name in ("model.onnx", "model.pt2"):
        assert (result.folder / name).stat().st_size < 2 * weights + 50_000


def test_without_weights_it_says_so_everywhere(tmp_path):
    candidate = {"index": 3, "status": "cancelled", "validation_accuracy": None, "validation_images": None}
    facts = Facts(INFO, Accuracy(0.9, "test", 10), candidate)
    result = export(TinyGenotype(), None, tmp_path / "out", facts)
    words = "UNTRAINED: random weights; candidate 3 was cancelled in its search"
    assert result.files == ("genotype.json", "model.json", "model.onnx", "model.pt2")
    assert json.loads((tmp_path / "out" / "model.json").read_text())["weights"] == words
    assert result.description["accuracy"] is None  # that was of other weights
    said = {p.key: p.value for p in onnx.load(tmp_path / "out" / "model.onnx").metadata_props}
    assert said["weights"] == words
    extra = {"model.json": ""}
    torch.export.load(tmp_path / "out" / "model.pt2", extra_files=extra)
    assert json.loads(extra["model.json"])["weights"] == words
    assert result.summary().startswith(words)


def test_without_a_data_set_normalised_images_go_in(tmp_path):
    result = export(TinyGenotype(), None, tmp_path / "out")
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "model.onnx"))
    images = torch.randn(2, 1, 8, 8)
    torch.manual_seed(0)
    expected = TinyGenotype().build().eval()(images).detach()
    (logits,) = session.run(None, {"images": images.numpy()})
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-5)
    assert "normalised" in result.description["input"]["range"]
    assert "Input: normalised images" in result.summary()


def test_a_folder_with_an_export_is_refused(exported):
    _, result, _, _ = exported
    with pytest.raises(UserError, match=r"already holds genotype\.json"):
        export(WithGlobalLayer(), None, result.folder)


def test_weights_that_do_not_fit(tmp_path):
    model = TinyNet(classes=3)
    save_weights(model, tmp_path / "w.safetensors")
    message = r"of another network: head\.bias is \(3,\), the genotype has \(10,\) \(2 tensors differ\)"
    with pytest.raises(UserError, match=message):
        load_weights(TinyNet(), tmp_path / "w.safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match="damaged or no safetensors file"):
        load_weights(TinyNet(), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="no weights file"):
        load_weights(TinyNet(), tmp_path / "none")


@pytest.mark.parametrize("name", ["Neural-ODE", "MDEQ-Tiny"])
def test_an_adaptive_solver_has_no_program(name, tmp_path):
    genotype = published(name)
    save_weights(genotype.build(), tmp_path / "w.safetensors")
    result = export(genotype, tmp_path / "w.safetensors", tmp_path / "out")
    assert result.files == ("genotype.json", "model.json", "weights.safetensors")
    assert result.program_difference is None
    assert list(result.missing) == ["onnx", "program"]
    assert "as many steps as the images need" in result.missing["onnx"]
    assert result.summary().count("as many steps as the images need") == 1
    assert sorted(entry.name for entry in result.folder.iterdir()) == sorted(result.files)


def test_a_network_that_cannot_be_recorded_has_no_program(tmp_path):
    save_weights(TinyNet(), tmp_path / "w.safetensors")
    result = export(WithBranchOnData(), tmp_path / "w.safetensors", tmp_path / "out")
    assert result.files == ("genotype.json", "model.json", "weights.safetensors")
    assert result.missing["program"].startswith("the network cannot be recorded (NotRecordable: ")
    assert "\n" not in result.missing["program"]
    assert sorted(entry.name for entry in result.folder.iterdir()) == sorted(result.files)


def test_a_solver_of_fixed_steps_has_programs(tmp_path):
    result = export(published("MNIST-NeuPDE"), None, tmp_path / "out")
    assert result.files == ("genotype.json", "model.json", "model.onnx", "model.pt2")
    assert result.program_difference < 1e-4


def test_without_an_onnx_form_the_rest_is_whole(tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("\nno ONNX function for plugin::odd\nmore of it")

    monkeypatch.setattr(onnx_file, "save_onnx", fail)
    result = export(TinyGenotype(), None, tmp_path / "out")
    assert result.files == ("genotype.json", "model.json", "model.pt2")
    assert sorted(entry.name for entry in result.folder.iterdir()) == sorted(result.files)
    reason = "an operator has no ONNX form (RuntimeError: no ONNX function for plugin::odd)"
    assert result.missing == {"onnx": reason}


def test_the_latency_of_each_form_is_told(exported):
    _, result, _, _ = exported
    found = result.description["latency"]
    assert (found["unit"], found["threads"], list(found["batch"])) == ("ms", 1, ["1", "64"])
    for forms in found["batch"].values():
        assert list(forms) == ["pytorch", "onnx", "program"]
        assert all(0 < low <= median <= high for low, median, high in forms.values())
    table = result.summary().splitlines()[-5:]
    assert [line.split("  ")[0] for line in table[1:4]] == [
        "PyTorch, this project's kernels",
        "ONNX",
        "torch.export",
    ]
    assert table[4].startswith("medians and quartiles, one thread of ")


def test_formats_are_checked(tmp_path):
    names = "onnx, onnx-kernels, openvino-kernels, int8, program, aoti, python"
    with pytest.raises(UserError, match=f"format is 'onx'; accepted: {names}"):
        export(TinyGenotype(), None, tmp_path / "out", formats=["onnx", "onx"])
    assert not (tmp_path / "out").exists()
    assert export(TinyGenotype(), None, tmp_path / "out", formats=["onnx"]).files[-1] == "model.onnx"


def test_an_export_that_fails_leaves_nothing_that_does_not_say_what_it_is(tmp_path, monkeypatch):
    (tmp_path / "weights.safetensors").write_bytes(b"somebody's own")

    def full(*_):
        raise UserError("cannot write it: No space left on device")

    monkeypatch.setattr(bundle, "_latencies", full)
    with pytest.raises(UserError, match="No space left"):
        export(TinyGenotype(), None, tmp_path, formats=["onnx", "python"])
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_two_exports_never_share_a_folder(tmp_path):
    with (
        locked(tmp_path, "it is written"),
        pytest.raises(UserError, match=r"at work on .*; wait for it, or give another folder$"),
    ):
        export(TinyGenotype(), None, tmp_path, formats=["python"])
    assert not (tmp_path / "genotype.json").exists()
