"""An ONNX file whose global layers are one operator each, and the library that brings it to a runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError

from pde_ops.cpu import deployed
from pde_ops.cpu.fixed_operator import FIXED
from records.files import write_whole
from training.export.network import NotExportable, first_line
from training.export.onnx_form import LIBRARY, OPENVINO_LIBRARY
from training.export.onnx_form.file import save_onnx
from training.export.onnx_form.operators import NoTranslation
from training.export.recording.recorder import Recording


@dataclass(frozen=True)
class Runtime:
    """Where the operator is brought to: ``library`` is the name of its file, ``build`` makes it."""

    library: str
    build: Callable[[], Path]

    def beside(self, path: Path) -> Path:
        """Where the library of the model in ``path`` lies."""
        return path.parent / self.library


def save_with_library(recording: Recording, path: Path, runtime: Runtime) -> None:
    """Writes the model, and the runtime's library beside it, built for this processor. Raises `NotExportable` for a
    network without a layer that has a kernel, and where there is no compiler or no such runtime."""
    if not any(node.target is FIXED for node in recording.graph.nodes):
        raise NotExportable(
            "the network has no layer with a kernel of this project's; its ONNX file is as fast"
        )
    try:
        library = runtime.build()
    except (OSError, RuntimeError, SubprocessError) as error:
        raise NotExportable(f"its library cannot be built here ({first_line(error)})") from error
    try:
        save_onnx(recording, path, all_own=True)
    except NoTranslation as error:
        raise NotExportable(
            "only PyTorch's exporter knows an operator of it, which does not know the kernels"
        ) from error
    write_whole(runtime.beside(path), library.read_bytes())


def _for_openvino() -> Path:
    """Built against the installed package of OpenVINO, whose release it then needs."""
    try:
        import openvino
    except ImportError as error:
        raise NotExportable(
            "OpenVINO is not installed, against which its library is built (pip install openvino)"
        ) from error
    root = Path(openvino.__file__).parent
    libraries = [*root.glob("libs/libopenvino.so.*"), *root.glob("libs/libopenvino_onnx_frontend.so.*")]
    return deployed.library(
        "openvino.cpp", "pde_layers_openvino", [str(root / "include")], list(map(str, libraries))
    )


ONNX_RUNTIME = Runtime(LIBRARY, lambda: deployed.library("onnx.cpp", "pde_layers"))
OPENVINO = Runtime(OPENVINO_LIBRARY, _for_openvino)
