"""The forms that an export is written in, by the name that ``--format`` takes.

A form is written from a `Network`; afterwards what is known of the network is put into the file, so that it says by
itself how it is fed. `Form.load` gives back a function from images to logits, as a user of the file would have it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from records.errors import UserError
from training.export.model_facts import DESCRIPTION
from training.export.network import Network, NotExportable, first_line

Run = Callable[[Tensor], Any]


@dataclass(frozen=True)
class Form:
    """``file``: its name in the folder; ``title``: what a user calls it; ``write`` makes the file or raises
    `NotExportable`; ``describe`` puts the content of ``model.json`` into it; ``load`` makes it run by so many threads,
    None where the runtime is not installed."""

    file: str
    title: str
    write: Callable[[Network, Path], None]
    describe: Callable[[Path, dict[str, Any]], None]
    load: Callable[[Path, int], Run | None]


def _write_onnx(network: Network, path: Path) -> None:
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


def _load_onnx(path: Path, threads: int) -> Run | None:
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images.numpy()})


def _write_program(network: Network, path: Path) -> None:
    from training.export.programs.program_file import save_program
    from training.export.recording.written_out import OPERATORS

    save_program(network.recording(OPERATORS), path)


def _load_program(path: Path, threads: int) -> Run | None:
    program = torch.export.load(path).module()

    def run(images: Tensor) -> Any:
        with torch.inference_mode():
            return program(images)

    return run


def _write_aoti(network: Network, path: Path) -> None:
    from training.export.programs.package import save_package
    from training.export.recording.written_out import KERNELS

    save_package(network.recording(KERNELS), path)


def _load_aoti(path: Path, threads: int) -> Run | None:
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


FORMS = {
    "onnx": Form("model.onnx", "ONNX", _write_onnx, _describe_onnx, _load_onnx),
    "program": Form("model.pt2", "torch.export", _write_program, _describe_archive, _load_program),
    "aoti": Form("model-aoti.pt2", "AOTInductor", _write_aoti, _describe_archive, _load_aoti),
}
DEFAULT = ("onnx", "program")
