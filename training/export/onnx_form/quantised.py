"""An ONNX file whose convolutions are in 8-bit integers; the equation stays in float32.

Static quantisation by ONNX Runtime's own tools: weights per channel in int8, features in uint8 with scales that are
taken from images of the training part. Scales leave one bit free, or processors without VNNI would overflow.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from torch import Tensor

from records.files import write_whole
from training.data.datasets import DatasetInfo
from training.export.network import Network, NotExportable, first_line
from training.export.onnx_form.file import EQUATION, save_onnx
from training.export.onnx_form.operators import NoTranslation
from training.export.recording.written_out import CONVOLUTIONS

if TYPE_CHECKING:
    from training.data.loading import Data
    from training.data.split import Split

CALIBRATION = 512  # images
BOUND = 0.01  # of accuracy: a larger loss is told in words
_BATCH = 64


def save_quantised(network: Network, path: Path) -> dict[str, Any]:
    """Writes the model; returns its accuracy on the test images, and that of the file in float32. Raises
    `NotExportable` where the images or ONNX Runtime are missing, or nothing of the network can be quantised."""
    try:
        from onnxruntime import quantization
    except ImportError as error:
        raise NotExportable("it is quantised by ONNX Runtime; `pip install onnxruntime`") from error
    data = network.open_data()
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        try:
            save_onnx(network.recording(CONVOLUTIONS), whole, all_own=True)
        except NoTranslation as error:
            raise NotExportable("an operator of it is written by PyTorch's exporter alone") from error
        nodes = [
            n.name
            for n in onnx.load(whole).graph.node
            if n.op_type == "Conv" and not n.name.startswith(EQUATION)
        ]
        if not nodes:
            raise NotExportable("it has no convolution")
        try:
            with _quiet():
                quantization.quantize_static(
                    str(whole), str(small), _Calibration(data), nodes_to_quantize=nodes,
                    quant_format=quantization.QuantFormat.QDQ, per_channel=True, reduce_range=True,
                    activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
                )  # fmt: skip
        except Exception as error:
            raise NotExportable(
                f"it cannot be quantised ({type(error).__name__}: {first_line(error)})"
            ) from error
        before, after = (_accuracy(file, data) for file in (whole, small))
        write_whole(path, small.read_bytes())
    return {
        "test_accuracy": after, "test_accuracy_float32": before, "test_images": len(data.test),
        "calibration_images": min(CALIBRATION, len(data.train)),
    }  # fmt: skip


def told(facts: dict[str, Any]) -> str:
    """What quantisation cost, in one line.

    Examples:
        >>> print(told({"test_accuracy": 0.9, "test_accuracy_float32": 0.925, "test_images": 1000}))
        int8: 90.00% of 1,000 test images, 92.50% in float32: it loses 2.50 points, more than 1
    """
    now, before = facts["test_accuracy"], facts["test_accuracy_float32"]
    line = f"int8: {100 * now:.2f}% of {facts['test_images']:,} test images, {100 * before:.2f}% in float32"
    if before - now > BOUND:
        line += f": it loses {100 * (before - now):.2f} points, more than {100 * BOUND:g}"
    return line


class _Calibration:
    """Training images as ONNX Runtime's tools ask for them."""

    def __init__(self, data: Data) -> None:
        self._batches = _pixels(data.train, data.info, seed=0)
        self._left = CALIBRATION

    def get_next(self) -> dict[str, Any] | None:
        images, _ = next(self._batches, (None, None))
        if images is None or self._left <= 0:
            return None
        self._left -= len(images)
        return {"images": images.numpy()}

    def __iter__(self) -> _Calibration:
        return self

    def __next__(self) -> dict[str, Any]:
        found = self.get_next()
        if found is None:
            raise StopIteration
        return found


def _pixels(split: Split, info: DatasetInfo, seed: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
    """Raw pixels and labels of its images, shuffled where there is a seed."""
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (info.mean, info.std))
    for images, labels in split.batches(_BATCH, seed=seed):
        yield (images.cpu() * std + mean) * 255, labels.cpu()


def _accuracy(path: Path, data: Data) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    right = 0
    for images, labels in _pixels(data.test, data.info):
        (logits,) = session.run(None, {"images": images.numpy()})
        right += int((np.argmax(logits, 1) == labels.numpy()).sum())
    return right / len(data.test)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The tools log advice at each call, to the root logger."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
