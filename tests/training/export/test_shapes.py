"""Shapes of results that are known without torch, against torch's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from training.export.recording.shapes import known_result

aten = torch.ops.aten


def meta(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


CALLS = [
    (aten.relu.default, (meta(5, 3, 4, 4),)),
    (aten.roll.default, (meta(5, 3, 4, 4), [1], [2])),
    (aten.add.Tensor, (meta(5, 3, 4, 4), meta(3, 1, 1))),
    (aten.mul.Tensor, (meta(5, 1, 4, 1), 2.0)),
    (aten.rsub.Scalar, (meta(5, 3), 1.0)),
    (aten.addcmul.default, (meta(3, 1), meta(5, 1, 4), meta(1))),
    (aten.cat.default, ([meta(5, 3, 4), meta(5, 2, 4)], -2)),
    (aten.addmm.default, (meta(7), meta(5, 3), meta(7, 3).t())),
    (aten.mean.dim, (meta(5, 3, 4, 6), [-1, 2], True)),
    (aten.mean.dim, (meta(5, 3, 4, 6), [1])),
    (
        aten.native_batch_norm.default,
        (meta(5, 3, 4, 4), meta(3), meta(3), meta(3), meta(3), False, 0.1, 1e-5),
    ),
    *(
        (aten.max_pool2d_with_indices.default, (meta(5, 4, 9, 8), kernel, stride, padding, dilation, False))
        for kernel, stride, padding in (([3], [], [1]), ([3, 2], [2, 1], [1, 0]), ([2, 2], [2], [0, 0]))
        for dilation in ([1], [2, 1])
    ),
    *(
        (aten.avg_pool2d.default, (meta(5, 4, 9, 8), kernel, stride, padding, False, False, None))
        for kernel, stride, padding in (([3], [], [1]), ([3, 2], [2, 1], [1, 0]), ([2, 2], [2], [0, 0]))
    ),
    (
        aten.convolution.default,
        (meta(5, 4, 9, 8)[:, :, 1:, 1:], meta(6, 4, 1, 1), None, [2, 2], [0, 0], [1, 1], False, [0, 0], 1),
    ),
    *(
        (
            aten.convolution.default,
            (meta(5, 4, 9, 8), meta(6, 2, 3, 2), None, stride, padding, dilation, False, [0, 0], 2),
        )
        for stride in ([1, 1], [2, 3])
        for padding in ([0, 0], [1, 2])
        for dilation in ([1, 1], [2, 2])
    ),
]


@pytest.mark.parametrize(("func", "args"), CALLS, ids=lambda value: str(value) if callable(value) else "")
def test_as_torch_has_it(func, args):
    full = args if func is not aten.mean.dim or len(args) == 3 else (*args, False)
    mine, torchs = (x if isinstance(x, tuple) else (x,) for x in (known_result(func, full), func(*args)))
    if func is aten.native_batch_norm.default:  # its side results are not used
        mine, torchs = mine[:1], torchs[:1]
    for one, other in zip(mine, torchs, strict=True):
        assert (one.shape, one.stride(), one.dtype) == (other.shape, other.stride(), other.dtype)


@pytest.mark.parametrize(
    ("func", "args"),
    [
        (aten.relu.default, (meta(5, 3, 4, 4).contiguous(memory_format=torch.channels_last),)),
        (aten.add.Tensor, (meta(5, 3), meta(5, 3).to(torch.int64))),
        (aten.mul.Tensor, (meta(5, 3).half(), 2.0)),
        (aten.exp.default, (meta(5),)),
    ],
)
def test_else_torch_is_asked(func, args):
    assert known_result(func, args) is None


@pytest.mark.parametrize("space", ["darts-global", "resnet-global", "densenet-global"])
def test_an_export_imports_no_compiler(space, tmp_path):
    text = f"""
import sys
from search_space import sample
from training.export import export
made = export(sample({space!r}, 0, image=(3, 16, 16)), None, {str(tmp_path / "e")!r})
assert made.files == ("genotype.json", "model.json", "model.onnx", "model.pt2"), made.files
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", text], check=True)
