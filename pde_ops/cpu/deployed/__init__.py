"""The kernels as they travel with an exported program: built with a runtime's shim, on demand, for this processor."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pde_ops.cpu import build, fixed_operator

HERE = Path(__file__).parent
SETTINGS_HEADER = "fixed_settings.h"


def archive(shim: str, name: str, includes: Sequence[str]) -> Path:
    """``lib<name>.a`` of kernels and ``shim``, a file of this folder that needs headers in ``includes``, in a folder of
    its own. Raises `RuntimeError` or `OSError` where it cannot be built."""

    def link(folder: Path, compiler: str, library: Path) -> None:
        _compile(folder, compiler, shim, includes, ("-c",))
        objects = sorted(map(str, folder.glob("*.o")))
        subprocess.run(["ar", "rcs", str(library), *objects], check=True, capture_output=True, timeout=60)

    return _built(shim, f"lib{name}.a", includes, link)


def library(shim: str, name: str, includes: Sequence[str] = ()) -> Path:
    """``lib<name>.so`` of kernels and ``shim``; as `archive`."""

    def link(folder: Path, compiler: str, library: Path) -> None:
        _compile(folder, compiler, shim, includes, ("-shared", "-o", str(library)))

    return _built(shim, f"lib{name}.so", includes, link)


def _built(shim: str, file: str, includes: Sequence[str], link) -> Path:
    compiler = build.find_compiler()
    digest = hashlib.sha256(build.key(compiler).encode() + repr(sorted(includes)).encode())
    for source in (*sorted(HERE.glob("*.h")), HERE / shim):
        digest.update(source.read_bytes())
    digest.update(fixed_operator.header().encode())
    path = build.cache() / f"{Path(shim).stem}-{digest.hexdigest()[:20]}" / file

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / file
            link(Path(folder), compiler, made)
            os.replace(made, path)

    return build.once(path, make)


def _compile(folder: Path, compiler: str, shim: str, includes: Sequence[str], options: Sequence[str]) -> None:
    where = [flag for include in (str(HERE), *includes) for flag in ("-I", include)]
    headers = {SETTINGS_HEADER: fixed_operator.header()}
    build.compile_sources(compiler, folder, (*options, *where), [HERE / shim], headers)
