"""The forms of a network that `benchmarks.deployment` compares: PyTorch, a training step, and what ``export`` writes.

- ``float32``, ``bfloat16`` (autocast), ``bfloat16-whole``: PyTorch with this project's kernels, the latter two with
  channels last;
- ``training-float32``, ``training-bfloat16``, ``training-bfloat16-contiguous``: a forward and a backward pass, with the
  kernels that `training.fit` trains with; the second under autocast, channels last, the third under autocast alone;
- every form of ``export``;
- ``openvino``, ``openvino-bfloat16``: the exported ONNX file in OpenVINO.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pde_ops import GlobalLayer
from pde_ops.cpu.training.kernels import training_kernels
from search_space import Genotype
from training.export import forms as exported
from training.export.network import Network, NotExportable

Run = Callable[[Tensor], Any]
IN_PYTORCH = ("float32", "bfloat16", "bfloat16-whole")
TRAINING = ("training-float32", "training-bfloat16", "training-bfloat16-contiguous")
OPENVINO = {"openvino": "f32", "openvino-bfloat16": "bf16"}
FORMS = (*IN_PYTORCH, *exported.FORMS, *OPENVINO, *TRAINING)
WITHOUT_LAYERS = {"onnx-kernels": "onnx", "openvino-kernels": "openvino"}
UNUSUAL = ("int8", "python", "training-bfloat16-contiguous")  # int8 needs a data set's images
USUAL = [form for form in FORMS if form not in UNUSUAL]
_ONNX = ("onnx", "onnx_ir", "onnxruntime")
NEEDED = {
    "onnx": _ONNX,
    "onnx-kernels": _ONNX,
    "int8": _ONNX,
    **dict.fromkeys(["openvino-kernels", *OPENVINO], ("onnx", "onnx_ir", "openvino")),
}


class Missing(Exception):
    """A form cannot be made or run here; the message says why."""


def absent(form: str) -> str | None:
    """The package that the form needs and that cannot be imported, if there is one."""
    for package in NEEDED.get(form, ()):
        try:
            importlib.import_module(package)
        except ImportError:
            return package
    return None


class Subject:
    """A network with random weights, in all its forms; files go to ``folder``."""

    def __init__(self, genotype: Genotype, folder: Path) -> None:
        self.genotype = genotype
        self.folder = folder
        folder.mkdir(parents=True)

    @functools.cached_property
    def _network(self) -> Network:
        return Network(self.genotype.build(seed=0), self.genotype.image, None)

    def run(self, form: str) -> Run:
        """From images to logits, or a step of training. Raises `Missing`."""
        if form in TRAINING:
            return training_step(self.genotype.build(seed=0), form)
        if form in IN_PYTORCH:
            return inference(self.genotype.build(seed=0), form)
        path = self._written("onnx" if form in OPENVINO else form)
        if form in OPENVINO:
            return _in_openvino(path, OPENVINO[form])
        run = exported.FORMS[form].load(self._network, path, 1)
        if run is None:
            raise Missing("its runtime is not installed")
        return run

    def plain_run(self, form: str) -> Run:
        """As `run`, of a network that may have no layer with a kernel: its ONNX file needs none."""
        layers = any(isinstance(module, GlobalLayer) for module in self._network.model.modules())
        return self.run(form if layers else WITHOUT_LAYERS.get(form, form))

    def _written(self, form: str) -> Path:
        path = self.folder / exported.FORMS[form].file
        if not path.exists():
            try:
                exported.FORMS[form].write(self._network, path)
            except NotExportable as error:
                raise Missing(str(error)) from error
        return path


def inference(network: nn.Module, form: str) -> Run:
    """The network itself, in the precision of ``form``."""
    network = network.eval().requires_grad_(False)
    if form == "float32":
        return torch.inference_mode()(network)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if form == "bfloat16-whole":
        network = network.bfloat16()
    whole = form == "bfloat16-whole"

    def run(images: Tensor) -> Any:
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=not whole):
            return network(images.bfloat16() if whole else images)

    return run


def training_step(network: nn.Module, form: str) -> Run:
    """A forward and a backward pass."""
    half = form != "training-float32"
    layout = torch.channels_last if form == "training-bfloat16" else torch.contiguous_format
    network = network.train().to(memory_format=layout)  # type: ignore[call-overload]

    def run(images: Tensor) -> None:
        images = images.contiguous(memory_format=layout)
        with training_kernels(network), torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = network(images)
            labels = torch.arange(len(images)) % logits.shape[1]
            loss = nn.functional.cross_entropy(logits, labels)
        loss.backward()
        network.zero_grad()

    return run


def _in_openvino(path: Path, precision: str) -> Run:
    """The ONNX file in OpenVINO. Raises `Missing` where the processor has not that precision."""
    import openvino

    has = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bf16" and "BF16" not in has:
        raise Missing("OpenVINO has no bfloat16 on this processor")
    run = exported.in_openvino(path, 1, precision=precision)
    assert run is not None  # it was imported
    return run
