"""Modules of one's own that register primitives, spaces or strategies: named in an environment variable, and kept
with a run."""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from records.errors import UserError
from records.files import read_json

PLUGINS = "PDE_NAS_PLUGINS"
HINT = f"one of your own is known where {PLUGINS} names its module"
_RECORD = "settings.json"  # of a run folder, where `plugins` lists them


def plugin_names() -> list[str]:
    """The modules that the environment variable names, separated by commas."""
    return [name for part in os.environ.get(PLUGINS, "").split(",") if (name := part.strip())]


def import_all(package: str) -> None:
    """Imports every module right in ``package``, in the order of the alphabet: each registers what it has."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)


@functools.cache
def load_plugins() -> None:
    """Imports the modules that the environment variable names, once. Raises `UserError` for one that cannot be."""
    for module in plugin_names():
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # it is the user's program, which may raise anything
            kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
            said = " ".join(f"{kind}{error}".split())
            raise UserError(f"{PLUGINS} names {module}, which cannot be imported: {said}") from error


@contextmanager
def naming_plugins(folder: Path) -> Iterator[None]:
    """An error about a primitive that is not known here also says which plugins the run in ``folder`` used, if that is
    a run and they are others than those named here."""
    try:
        yield
    except UserError as error:
        recorded = _recorded(folder) if HINT in str(error) else []
        if not set(recorded) - set(plugin_names()):
            raise
        more = f"{HINT}; {folder.name} was made with {PLUGINS}={','.join(recorded)}"
        raise type(error)(str(error).replace(HINT, more)) from error


def _recorded(folder: Path) -> list[str]:
    try:
        record = read_json(folder / _RECORD)
    except UserError:
        return []
    found = record.get("plugins") if isinstance(record, dict) else None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
