"""The source that trials need, as one archive: what runs elsewhere is what stands here, to the byte."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from records.errors import UserError
from records.plugins import PLUGINS, plugin_names

PACKAGES: tuple[str, ...] = ("records", "pde_ops", "search_space", "training", "strategies", "execution")
_LEFT_OUT = ("__pycache__",)


@dataclass(frozen=True)
class Archive:
    """A tar.gz with packages and plug-ins at its top; ``name`` is made of its content."""

    data: bytes
    name: str


def pack_source() -> Archive:
    """The packages above and the user's plug-ins. Raises `UserError` for a plug-in that is not found."""
    plugins = plugin_names()
    names = dict.fromkeys([*PACKAGES, *(plugin.split(".")[0] for plugin in plugins)])
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name in names:
            for path, inside in _files(name):
                content = path.read_bytes()
                entry = tarfile.TarInfo(inside)  # no times and owners: the same source gives the same bytes
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    data = gzip.compress(raw.getvalue(), mtime=0)
    return Archive(data, hashlib.sha256(data).hexdigest()[:16])


def _files(name: str) -> Iterator[tuple[Path, str]]:
    spec = importlib.util.find_spec(name)
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        raise UserError(f"{PLUGINS} names {name}, which is not found; accepted: modules on PYTHONPATH")
    if not spec.submodule_search_locations:
        assert spec.origin is not None
        yield Path(spec.origin), Path(spec.origin).name
        return
    folder = Path(next(iter(spec.submodule_search_locations)))
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not set(_LEFT_OUT) & set(path.parts):
            yield path, f"{name.replace('.', '/')}/{path.relative_to(folder).as_posix()}"
