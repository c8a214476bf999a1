"""The kernels as they travel with an exported program: built with a runtime's shim, on demand, for this processor."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pde_ops.cpu import argument, build, fixed_operator

HERE = Path(__file__).parent
SETTINGS_HEADER = "fixed_settings.h"


def archive(shims: Sequence[str], name: str, includes: Sequence[str]) -> Path:
    """``lib<name>.a`` of kernels and ``shims``, files of this folder that need headers in ``includes``, in a folder of
    its own. Raises `RuntimeError` or `OSError` where it cannot be built."""

    def link(folder: Path, made: build.Objects, library: Path) -> None:
        own = sorted(map(str, folder.glob("*.o")))
        build.run("ar", ["rcs", str(library), *own, *made.files], folder)

    return _built(shims, f"lib{name}.a", includes, link)


def library(shim: str, name: str, includes: Sequence[str] = (), libraries: Sequence[str] = ()) -> Path:
    """``lib<name>.so`` of kernels and ``shim``, which asks for ``libraries`` by their names; as `archive`."""

    def link(folder: Path, made: build.Objects, library: Path) -> None:
        parts = [*sorted(map(str, folder.glob("*.o"))), *made.files, *libraries]
        build.run(build.find_compiler(), [*made.flags, "-shared", *parts, "-o", str(library)], folder)

    return _built([shim], f"lib{name}.so", (*includes, *libraries), link)


Link = Callable[[Path, build.Objects, Path], None]


def _built(shims: Sequence[str], file: str, outside: Sequence[str], link: Link) -> Path:
    """``outside``: folders of headers, and libraries."""
    compiler = build.find_compiler()
    digest = hashlib.sha256(build.key(compiler).encode() + repr(sorted(outside)).encode())
    sources = [HERE / shim for shim in shims]
    for source in (*sorted(HERE.glob("*.h")), *sources, Path(__file__)):
        digest.update(source.read_bytes())
    digest.update(fixed_operator.header().encode())

    def make(path: Path) -> None:
        made = build.objects(compiler)
        with tempfile.TemporaryDirectory(dir=path.parent) as name:
            folder = Path(name)
            (folder / SETTINGS_HEADER).write_text(fixed_operator.header())
            (folder / build.MADE_HEADER).write_text(argument.header())
            folders = [name, str(HERE), *filter(os.path.isdir, outside)]
            where = [flag for include in folders for flag in ("-I", include)]
            where += [
                f"-fmacro-prefix-map={include}=." for include in folders
            ]  # no path in what is handed out
            build.run(compiler, [*made.flags, *where, "-c", *map(str, sources)], folder)
            link(folder, made, folder / file)
            os.replace(folder / file, path)

    return build.once(f"{sources[0].stem}-{digest.hexdigest()[:20]}/{file}", make)
