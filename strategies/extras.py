"""The optional parts of the installation that a strategy may need."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from records.errors import UserError


@dataclass(frozen=True)
class Extra:
    """A part of the installation by the name that pip knows it by, and the modules that it brings.

    Examples:
        >>> Extra("none", ()).missing()
        []
    """

    name: str
    modules: tuple[str, ...]

    def missing(self) -> list[str]:
        """The modules that are not installed."""
        return [module for module in self.modules if importlib.util.find_spec(module) is None]

    def require(self, who: str) -> None:
        """Raises `UserError`, which begins with ``who`` needs it, where something is missing."""
        if missing := self.missing():
            are, them = ("are", "them") if len(missing) > 1 else ("is", "it")
            raise UserError(
                f"{who} needs {' and '.join(missing)}, which {are} not installed; "
                f"`pip install 'pde-nas[{self.name}]' -c constraints.txt` installs {them}"
            )


RL = Extra("rl", ("tianshou", "gym"))
