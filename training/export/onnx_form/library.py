"""An ONNX file whose global layers are one operator each, and the library that brings it to ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from subprocess import SubprocessError

from pde_ops.cpu import deployed
from pde_ops.cpu.fixed_operator import FIXED
from records.files import write_whole
from training.export.network import NotExportable, first_line
from training.export.onnx_form import LIBRARY
from training.export.onnx_form.file import save_onnx
from training.export.onnx_form.operators import NoTranslation
from training.export.recording.recorder import Recording


def save_with_library(recording: Recording, path: Path) -> None:
    """Writes the model, and `LIBRARY` beside it, built for this processor. Raises `NotExportable` for a network without
    a layer that has a kernel, and where there is no compiler."""
    if not any(node.target is FIXED for node in recording.graph.nodes):
        raise NotExportable(
            "the network has no layer with a kernel of this project's; its ONNX file is as fast"
        )
    try:
        library = deployed.library("onnx.cpp", "pde_layers")
    except (OSError, RuntimeError, SubprocessError) as error:
        raise NotExportable(f"its library cannot be built here ({first_line(error)})") from error
    try:
        save_onnx(recording, path, all_own=True)
    except NoTranslation as error:
        raise NotExportable(
            "only PyTorch's exporter knows an operator of it, which does not know the kernels"
        ) from error
    write_whole(library_beside(path), library.read_bytes())


def library_beside(path: Path) -> Path:
    """Where the library of the model in ``path`` lies."""
    return path.parent / LIBRARY
