"""Writes a recording as an ahead-of-time compiled package: machine code, with this project's kernels inside.

AOTInductor compiles the network; each global layer is a call of the C++ kernel, which is linked into the package, as is
the operator that looks at the images. It runs in Python and in C++ where neither this project nor a compiler is
installed, on processors like this one.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._inductor.runtime.runtime_utils import cache_dir

from pde_ops.cpu import deployed
from pde_ops.cpu.deployed.images_operator import TAKEN
from pde_ops.cpu.fixed_operator import FIXED
from records.files import write_whole
from training.export.network import NotExportable, first_line
from training.export.recording.recorder import Recording

_LIBRARY, _SEARCHED = "pde_deployed", "LIBRARY_PATH"  # by the linker
_HANDLES = ", ".join(["AtenTensorHandle"] * 5)
_SOURCES = ("aoti.cpp", "aoti_images.cpp")  # each linked where it is called
_SHIMS = {
    FIXED: [
        f"AOTITorchError aoti_torch_cpu_fixed_layer({_HANDLES}, const int64_t*, int64_t, const double*, int64_t, "
        "AtenTensorHandle*)"
    ],
    TAKEN: [
        "AOTITorchError aoti_torch_cpu_taken_images(AtenTensorHandle, const int64_t*, int64_t, AtenTensorHandle*)"
    ],
}


def save_package(recording: Recording, path: Path) -> None:
    """Writes the package. Raises `NotExportable` where it cannot be compiled here."""
    try:
        with _quiet(), tempfile.TemporaryDirectory() as folder, _linked() as settings:
            made = torch._inductor.aoti_compile_and_package(
                _program(recording), package_path=f"{folder}/{path.stem}.pt2", inductor_configs=settings
            )
            content = _private(Path(made))
    except Exception as error:
        raise NotExportable(
            f"it cannot be compiled here ({type(error).__name__}: {first_line(error)})"
        ) from error
    write_whole(path, content)


def _program(recording: Recording) -> torch.export.ExportedProgram:
    """Traced anew: Inductor names sizes by its own rule, and keeps more of them than a recording does."""
    (images,) = recording.graph.find_nodes(op="placeholder")
    shape = images.meta["like"].shape[1:]
    example = torch.zeros(2, *shape)
    module = _Logits(recording.module(), shape).eval()
    sizes = ({0: torch.export.Dim("batch", min=1)},)
    return torch.export.export(module, (example,), dynamic_shapes=sizes)


class _Logits(nn.Module):
    """A recording, which gives a tuple of one, as a package: it gives what is in it, and refuses images of another shape."""

    def __init__(self, network: nn.Module, shape: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.shape = list(shape)

    def forward(self, images: Tensor) -> Tensor:
        (logits,) = self.network(TAKEN(images, self.shape))
        return logits


@contextlib.contextmanager
def _linked() -> Iterator[dict[str, Any]]:
    """Inductor's settings with which it finds the operators' code."""
    library = deployed.archive(_SOURCES, _LIBRARY, [str(Path(torch.__file__).parent / "include")])
    before = os.environ.get(_SEARCHED)
    os.environ[_SEARCHED] = os.pathsep.join([str(library.parent), *([before] if before else [])])
    try:
        yield {
            "aot_inductor.custom_ops_to_c_shims": _SHIMS,
            "aot_inductor.custom_op_libs": [_LIBRARY],
        }
    finally:
        if before is None:
            del os.environ[_SEARCHED]
        else:
            os.environ[_SEARCHED] = before


def _private(package: Path) -> bytes:
    """The package without what it tells of this machine: its sources, and folders in the texts of its errors."""
    content = io.BytesIO()
    with zipfile.ZipFile(package) as read, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as written:
        for name in read.namelist():
            value = read.read(name)
            if name.endswith(".cpp"):
                value = b""  # its name alone is asked for when the package is loaded
            elif name.endswith(".so"):
                value = _blanked(value)
            written.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), value, zipfile.ZIP_STORED)
    return content.getvalue()


def _blanked(machine_code: bytes) -> bytes:
    folders = {cache_dir(), str(Path(torch.__file__).parents[1]), str(Path.home()), tempfile.gettempdir()}
    for folder in sorted(folders - {"/"}, key=len, reverse=True):
        text = os.fsencode(folder)
        machine_code = machine_code.replace(text, b"." * len(text))
    return machine_code


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Inductor warns of its own internals, and where a GPU's compiler is installed without a GPU; errors still come
    through."""
    logger = logging.getLogger("torch.utils.cpp_extension")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
