"""The forms that an export is written in, by the name that ``--format`` takes.

A form is written from a `Network`; afterwards what is known of the network is put into the file, so that it says by
itself how it is fed. `Form.load` gives back a function from images to logits, as a user of the file would have it.
"""

from __future__ import annotations

import functools
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from records.errors import UserError
from training.export.model_facts import DESCRIPTION
from training.export.onnx_form import LIBRARY, OPENVINO_LIBRARY

if TYPE_CHECKING:  # their names are told by a program's help, which does not wait for torch
    from torch import Tensor

    from training.export.network import Network

Run = Callable[["Tensor"], Any]


@dataclass(frozen=True)
class Form:
    """``file``: its name in the folder; ``title``: what a user calls it; ``write`` makes the file or raises
    `NotExportable`, and returns what is to be told of it; ``describe`` puts the content of ``model.json`` into it; ``load`` makes it run by so many threads,
    None where the runtime is not installed."""

    file: str
    title: str
    write: Callable[[Network, Path], dict[str, Any] | None]
    describe: Callable[[Path, dict[str, Any]], None]
    load: Callable[[Network, Path, int], Run | None]
    with_it: tuple[str, ...] = ()  # other files that it needs


def _write_onnx(network: Network, path: Path) -> None:
    from training.export.network import NotExportable, first_line
    from training.export.onnx_form.file import save_onnx
    from training.export.recording.written_out import CONVOLUTIONS

    recording = network.recording(CONVOLUTIONS)
    try:
        save_onnx(recording, path)
    except UserError:  # it cannot be written there
        raise
    except Exception as error:
        raise NotExportable(
            f"an operator has no ONNX form ({type(error).__name__}: {first_line(error)})"
        ) from error


def _describe_onnx(path: Path, content: dict[str, Any]) -> None:
    from training.export.onnx_form.file import describe

    describe(path, content)


def _load_onnx(network: Network, path: Path, threads: int) -> Run | None:
    return _session(path, threads, None)


def _session(path: Path, threads: int, library: Path | None) -> Run | None:
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    if library is not None:
        options.register_custom_ops_library(str(library))
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images.numpy()})


def _write_onnx_kernels(network: Network, path: Path) -> None:
    from training.export.onnx_form.library import ONNX_RUNTIME, save_with_library
    from training.export.recording.written_out import KERNELS

    save_with_library(network.recording(KERNELS), path, ONNX_RUNTIME)


def _load_onnx_kernels(network: Network, path: Path, threads: int) -> Run | None:
    from training.export.onnx_form.library import ONNX_RUNTIME

    return _session(path, threads, ONNX_RUNTIME.beside(path))


def _write_openvino_kernels(network: Network, path: Path) -> None:
    from training.export.onnx_form.library import OPENVINO, save_with_library
    from training.export.recording.written_out import KERNELS

    save_with_library(network.recording(KERNELS), path, OPENVINO)


def _load_openvino_kernels(network: Network, path: Path, threads: int) -> Run | None:
    from training.export.onnx_form.library import OPENVINO

    return in_openvino(path, threads, OPENVINO.beside(path))


def in_openvino(path: Path, threads: int, library: Path | None = None, precision: str = "f32") -> Run | None:
    """The ONNX file in OpenVINO, compiled for each number of images, with the library of its operators; None where
    OpenVINO is not installed."""
    try:
        import openvino
    except ImportError:
        return None
    core = openvino.Core()
    if library is not None:
        core.add_extension(str(library))
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}

    @functools.cache
    def request(*shape: int) -> Any:
        network = core.read_model(str(path))
        network.reshape({0: list(shape)})  # an open number of images costs up to a third more
        return core.compile_model(network, "CPU", settings).create_infer_request()

    return lambda images: request(*images.shape).infer([images.numpy()])


def _write_int8(network: Network, path: Path) -> dict[str, Any]:
    from training.export.onnx_form.quantised import save_quantised

    return save_quantised(network, path)


def _write_program(network: Network, path: Path) -> None:
    from training.export.programs.program_file import save_program
    from training.export.recording.written_out import OPERATORS

    save_program(network.recording(OPERATORS), path)


def _load_program(network: Network, path: Path, threads: int) -> Run | None:
    """What ``torch.export.load`` gives, without the seconds that it takes: a module of the same operators."""
    import torch

    from training.export.recording.written_out import OPERATORS

    program = network.recording(OPERATORS).module()

    def run(images: Tensor) -> Any:
        with torch.inference_mode():
            return program(images)

    return run


def _write_aoti(network: Network, path: Path) -> None:
    from training.export.programs.package import save_package
    from training.export.recording.written_out import KERNELS

    save_package(network.recording(KERNELS), path)


def _load_aoti(network: Network, path: Path, threads: int) -> Run | None:
    from torch._inductor import aoti_load_package

    package = aoti_load_package(str(path))
    return lambda images: package(images)


def _describe_archive(path: Path, content: dict[str, Any]) -> None:
    """As a file in an archive of PyTorch: ``extra/model.json`` in its folder."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        (folder, *_) = archive.namelist()[0].split("/")
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        entry = zipfile.ZipInfo(f"{folder}/extra/{DESCRIPTION}", (1980, 1, 1, 0, 0, 0))
        archive.writestr(entry, text, zipfile.ZIP_DEFLATED)


def _write_python(network: Network, path: Path) -> None:
    from training.export.standalone.module_file import write_module

    write_module(network, path)


def _describe_python(path: Path, content: dict[str, Any]) -> None:
    from training.export.standalone.module_file import describe_module

    describe_module(path, content)


def _load_python(network: Network, path: Path, threads: int) -> Run | None:
    from training.export.standalone.module_file import load_module

    return load_module(path)


FORMS = {
    "onnx": Form("model.onnx", "ONNX", _write_onnx, _describe_onnx, _load_onnx),
    "onnx-kernels": Form(
        "model-kernels.onnx",
        "ONNX, own kernels",
        _write_onnx_kernels,
        _describe_onnx,
        _load_onnx_kernels,
        (LIBRARY,),
    ),
    "openvino-kernels": Form(
        "model-openvino.onnx",
        "OpenVINO, own kernels",
        _write_openvino_kernels,
        _describe_onnx,
        _load_openvino_kernels,
        (OPENVINO_LIBRARY,),
    ),
    "int8": Form("model-int8.onnx", "ONNX, int8", _write_int8, _describe_onnx, _load_onnx),
    "program": Form("model.pt2", "torch.export", _write_program, _describe_archive, _load_program),
    "aoti": Form("model-aoti.pt2", "AOTInductor", _write_aoti, _describe_archive, _load_aoti),
    "python": Form("model.py", "plain PyTorch", _write_python, _describe_python, _load_python),
}
DEFAULT = ("onnx", "program")
