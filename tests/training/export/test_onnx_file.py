"""The ONNX file in ONNX Runtime, which knows nothing of torch."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from search_space import sample, space_names
from tests.training.export.test_recorder import SPACES, lived_in, steadied
from training.export.model_facts import project_version
from training.export.network import Network
from training.export.onnx_form.file import describe, save_onnx
from training.export.recording.recorder import record
from training.export.recording.simplify import simplify
from training.export.recording.written_out import CONVOLUTIONS

UNSAMPLED = ("mdeq", "timm-network")  # an adaptive solver; three large networks


def write(model: nn.Module, image: tuple[int, ...], path) -> None:
    recording = record(model, image, CONVOLUTIONS)
    simplify(recording)
    save_onnx(recording, path)
    describe(path, {"weights": "trained"})
    onnx.checker.check_model(str(path), full_check=True)


def check(model: nn.Module, image: tuple[int, ...], path, tolerance: float = 1e-5) -> None:
    session = onnxruntime.InferenceSession(str(path))
    for count in (1, 3):
        images = torch.rand(count, *image, generator=torch.Generator().manual_seed(1))
        (logits,) = session.run(["logits"], {"images": images.numpy()})
        expected = model(images).numpy()
        np.testing.assert_allclose(logits, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("space", SPACES)
def test_every_family(space, tmp_path):
    genotype = sample(space, 2, image=(3, 32, 32))
    model = lived_in(genotype.build())
    write(model, genotype.image, tmp_path / "m.onnx")
    check(model, genotype.image, tmp_path / "m.onnx")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("space", [space for space in space_names() if space not in UNSAMPLED])
def test_two_hundred_of_every_family(space, tmp_path):
    for seed in range(200):
        genotype = sample(space, seed, image=(3, 16, 16))
        model = steadied(genotype.build(seed=seed), genotype.image)
        if Network(model, genotype.image, None).adaptive:
            continue
        write(model, genotype.image, tmp_path / "m.onnx")
        check(model, genotype.image, tmp_path / "m.onnx", 1e-4)


class Operators(nn.Module):
    """What the networks have seldom, in one."""

    def __init__(self):
        super().__init__()
        self.norm = nn.GroupNorm(2, 4)
        self.norm.weight.data.uniform_(0.5, 1.5)
        self.norm.bias.data.normal_()

    def forward(self, x):
        x = self.norm(x)
        x = nn.functional.pad(torch.roll(x, -2, 3), (1, 0, 2, 1), value=0.5)
        x = nn.functional.silu(x) + nn.functional.hardswish(x) - nn.functional.relu6(x) / 3
        x = torch.addcmul(x, nn.functional.hardsigmoid(x), torch.full_like(x, 0.25))
        pooled = nn.functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        return (1 - pooled + nn.functional.max_pool2d(x, (3, 3), 2, 1)).mean((2, 3))


def test_operators_one_by_one(tmp_path):
    model = Operators().eval().requires_grad_(False)
    write(model, (4, 7, 6), tmp_path / "m.onnx")
    check(model, (4, 7, 6), tmp_path / "m.onnx")


class Strange(nn.Module):
    """Of an operator that has no translation here."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x):
        return torch.erf(self.conv(x)).cumsum(1).amax((2, 3))


def test_an_operator_that_is_not_known_is_left_to_torch_and_still_says_nothing_of_this_machine(tmp_path):
    model = Strange().eval().requires_grad_(False)
    write(model, (1, 8, 8), tmp_path / "m.onnx")
    check(model, (1, 8, 8), tmp_path / "m.onnx")
    content = (tmp_path / "m.onnx").read_bytes()
    assert b"Strange" not in content
    assert b".py" not in content
    model_file = onnx.load(tmp_path / "m.onnx")
    assert [opset.version for opset in model_file.opset_import if opset.domain == ""] == [18]
    shape = model_file.graph.input[0].type.tensor_type.shape
    assert shape.dim[0].dim_param == "batch"


def test_the_batch_has_a_name_and_the_metadata_are_there(tmp_path):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).eval().requires_grad_(False)
    write(model, (1, 2, 2), tmp_path / "m.onnx")
    content = onnx.load(tmp_path / "m.onnx")
    (images,), (logits,) = content.graph.input, content.graph.output
    assert (images.name, logits.name) == ("images", "logits")
    for value in (images, logits):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [(p.key, p.value) for p in content.metadata_props] == [("weights", "trained")]
    assert (content.producer_name, content.producer_version) == ("pde-nas", project_version())
    assert content.opset_import[0].version == 18
