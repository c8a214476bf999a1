import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from safetensors.torch import load_file
from torch import nn

from pde_ops import GlobalLayer
from search_space import published
from search_space.errors import UserError
from tests.training.networks import TinyGenotype, TinyNet
from training.export import export, load_weights, save_weights


class WithGlobalLayer(TinyGenotype):
    def build(self):
        layer = GlobalLayer(8, steps=3, boundary="zero-flux")
        net = TinyNet()
        net.norm = nn.Sequential(net.norm, layer)
        return net


class WithBranchOnData(TinyGenotype):
    """Of a module that ``torch.export`` cannot trace."""

    class Net(TinyNet):
        def forward(self, x):
            return super().forward(x if x.mean() > 0 else -x)

    def build(self):
        return self.Net()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network of trained-looking weights, what was exported of it, and images of another batch size."""
    folder = tmp_path_factory.mktemp("export")
    torch.manual_seed(1)
    model = WithGlobalLayer().build()
    for name, tensor in model.named_buffers():
        if "running" in name:
            tensor.uniform_(0.5, 1.5)
    save_weights(model, folder / "trained.safetensors")
    result = export(WithGlobalLayer(), folder / "trained.safetensors", folder / "out")
    return model.eval(), result, torch.randn(5, 1, 8, 8)


def test_all_files(exported):
    model, result, _ = exported
    assert result.files == ("genotype.json", "weights.safetensors", "model.onnx", "model.pt2")
    assert sorted(entry.name for entry in result.folder.iterdir()) == sorted(result.files)
    assert result.program_difference < 1e-5
    weights = load_file(result.folder / "weights.safetensors")
    assert torch.equal(weights["head.weight"], model.head.weight)


def test_onnx_gives_the_networks_logits(exported):
    model, result, images = exported
    onnx.checker.check_model(str(result.folder / "model.onnx"), full_check=True)
    program = ReferenceEvaluator(str(result.folder / "model.onnx"))
    (logits,) = program.run(["logits"], {"images": images.numpy()})
    np.testing.assert_allclose(logits, model(images).detach().numpy(), atol=1e-5)


def test_program_runs_where_this_project_is_not_installed(exported, tmp_path):
    model, result, images = exported
    torch.save((images, model(images).detach()), tmp_path / "expected.pt")
    program = f"""
import sys
for name in ("pde_ops", "search_space", "training"):
    sys.modules[name] = None  # importing it now fails
import torch
images, logits = torch.load({str(tmp_path / "expected.pt")!r})
program = torch.export.load({str(result.folder / "model.pt2")!r}).module()
print((program(images) - logits).abs().max().item(), tuple(program(images[:1]).shape))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    difference, shape = run.stdout.split(maxsplit=1)
    assert float(difference) < 1e-5
    assert shape.strip() == "(1, 10)"


def test_a_folder_with_an_export_is_refused(exported):
    _, result, _ = exported
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


def test_a_solver_of_fixed_steps_is_written_out(tmp_path):
    result = export(published("MNIST-NeuPDE"), None, tmp_path / "out")
    assert result.files == ("genotype.json", "model.onnx", "model.pt2")
    assert result.program_difference < 1e-4


@pytest.mark.parametrize("name", ["Neural-ODE", "MDEQ-Tiny"])
def test_an_adaptive_solver_has_no_program(name, tmp_path):
    genotype = published(name)
    save_weights(genotype.build(), tmp_path / "w.safetensors")
    result = export(genotype, tmp_path / "w.safetensors", tmp_path / "out")
    assert result.files == ("genotype.json", "weights.safetensors")
    assert result.program_difference is None
    assert "as many steps as the images need" in result.without_programs
    assert sorted(entry.name for entry in result.folder.iterdir()) == sorted(result.files)


def test_a_network_that_cannot_be_traced_has_no_program(tmp_path):
    save_weights(TinyNet(), tmp_path / "w.safetensors")
    result = export(WithBranchOnData(), tmp_path / "w.safetensors", tmp_path / "out")
    assert result.files == ("genotype.json", "weights.safetensors")
    assert result.without_programs.startswith("torch.export cannot trace the network (")
    assert "\n" not in result.without_programs
    assert sorted(entry.name for entry in result.folder.iterdir()) == sorted(result.files)
