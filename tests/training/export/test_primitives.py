"""Each global layer that an edge may be, exported and read back: by ONNX Runtime and as a program of torch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from search_space import get_primitive
from search_space.primitives.kinds import PRIMITIVES
from search_space.primitives.whole_map import WHOLE_MAP
from tests.training.export.test_onnx_file import check, write
from tests.training.export.test_recorder import lived_in
from training.export.onnx_form import file as onnx_file
from training.export.programs.program_file import save_program
from training.export.recording.recorder import record
from training.export.recording.simplify import simplify

NAMES = [*(f"{kind}_3" for kind in PRIMITIVES), *WHOLE_MAP]
IMAGE = (4, 9, 6)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_a_primitive_comes_back(name, stride, tmp_path, monkeypatch):
    monkeypatch.delattr(onnx_file, "_by_torch")  # it is written here, not left to torch
    torch.manual_seed(0)
    layer = get_primitive(name)(IMAGE[0], stride)
    layer(torch.rand(8, *IMAGE))
    model = lived_in(nn.Sequential(layer, nn.Flatten(), nn.Linear(4 * (54 if stride == 1 else 15), 5)))
    write(model, IMAGE, tmp_path / "m.onnx")
    check(model, IMAGE, tmp_path / "m.onnx", tolerance=1e-4)
    recording = record(model, IMAGE)
    simplify(recording)
    save_program(recording, tmp_path / "m.pt2")
    images = torch.rand(3, *IMAGE)
    loaded = torch.export.load(tmp_path / "m.pt2").module()
    torch.testing.assert_close(
        loaded(images), model(images), rtol=0, atol=1e-4 * model(images).abs().max().item()
    )
