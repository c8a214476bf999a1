"""Names of a package that are loaded when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def loader(package: str, places: dict[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of ``package``; ``places`` is name to module. Raises ``AttributeError`` for others."""

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(places[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
