"""Collects what a network is made of, as calls, and the sources of the classes and functions that they name."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import nn

from training.export.network import NotExportable
from training.export.standalone.code import WIDTH, Call
from training.export.standalone.pieces import cells, digits, mobile, residual, whole_map

ACTIVATIONS = ("ReLU6", "SiLU", "Hardswish")
BROKEN_SIGNATURE = re.compile(r"def \w+\(\n((?: +[^\n]+,\n)+) *\)([^\n]*:)\n")
MARK = re.compile(r"  # if (not )?(\w+)$")

# By qualified name of a module's class: what writes it as a call.
WriteModule = Callable[["Writer", Any], Call]
WRITERS: dict[str, WriteModule] = {}


def writes(*classes: str) -> Callable[[WriteModule], WriteModule]:
    """Decorator: the function writes modules of these classes, given by qualified name, as calls."""

    def register(function: WriteModule) -> WriteModule:
        WRITERS.update(dict.fromkeys(classes, function))
        return function

    return register


class Writer:
    """Writes the modules of one network as calls.

    A class that is taken from the `pieces` is named by `piece`, one that is made for the network by `generated`; then
    `sources` has the text of both, and of all that they use.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._flags: dict[str, set[str]] = {}
        self._generated: dict[Any, str] = {}
        self._texts: dict[str, str] = {}

    @functools.cached_property
    def activation(self) -> str:
        """The class of the most activations; the default where a block may have one or another."""
        names = [type(module).__name__ for module in self.model.modules()]
        counts = {name: names.count(name) for name in ("ReLU", *ACTIVATIONS)}
        return f"nn.{max(counts, key=counts.__getitem__)}"

    def call(self, module: nn.Module) -> Call:
        """The expression that makes a module like this one. Raises `NotExportable` for a class that is not known."""
        for cls in type(module).__mro__:
            write = WRITERS.get(f"{cls.__module__}.{cls.__qualname__}")
            if write is not None and type(module).forward is cls.forward:  # type: ignore[attr-defined]
                call = write(self, module)
                return call if module.state_dict() else dataclasses.replace(call, path="")
        cls = type(module)
        raise NotExportable(f"there is no plain form of {cls.__module__}.{cls.__qualname__}")

    def piece(self, name: str, *arguments: Any, flags: Iterable[str] = (), **options: Any) -> Call:
        """A call of that piece, whose source keeps the lines for ``flags`` then."""
        self._flags.setdefault(name, set()).update(flags)
        return Call(name, arguments, options)

    def generated(self, key: Any, base: str, make: Callable[[str], str]) -> str:
        """The name of what ``make`` writes when given a name: ``base``, with a number where that is taken by something
        of another key."""
        if key not in self._generated:
            taken = self._generated.values() | PIECES.keys()
            names = (base + (str(i) if i > 1 else "") for i in range(1, 1000))
            name = next(name for name in names if name not in taken)
            self._generated[key] = name
            self._texts[name] = make(name)
        return self._generated[key]

    def sources(self, text: str) -> list[str]:
        """The sources of what ``text`` uses, of what those use, and so on; each after those that it uses."""
        found: dict[str, str] = {}
        self._gather(text, found)
        return list(found.values())

    def _gather(self, text: str, found: dict[str, str]) -> None:
        for name in names_used(text):
            if name not in found and (name in self._texts or name in PIECES):
                source = self._texts.get(name) or self._piece_source(name)
                self._gather(source, found)
                found.setdefault(name, source)

    def _piece_source(self, name: str) -> str:
        text = for_flags(inspect.getsource(PIECES[name]), self._flags.get(name, ()))
        return text.replace("= nn.ReLU", f"= {self.activation}")


def names_used(text: str) -> list[str]:
    """The names that Python source uses and does not assign, in the order of their first use."""
    names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    names.sort(key=lambda node: (node.lineno, node.col_offset))
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return [name for name in dict.fromkeys(node.id for node in names) if name not in own]


def for_flags(text: str, flags: Iterable[str]) -> str:
    """``text`` without the lines for other flags, and without the marks."""
    lines = []
    for line in text.splitlines():
        mark = MARK.search(line)
        if mark is None or (mark[2] in flags) == (mark[1] is None):
            lines.append(MARK.sub("", line))
    return BROKEN_SIGNATURE.sub(_joined, "\n".join(lines))


def _joined(signature: re.Match[str]) -> str:
    """The signature on one line, if it fits there now."""
    text = signature[0]
    parameters = ", ".join(line.strip().removesuffix(",") for line in signature[1].splitlines())
    joined = f"{text.partition('(')[0]}({parameters}){signature[2]}\n"
    return joined if len(joined) + 3 <= WIDTH else text


def _own(modules: Sequence[Any]) -> dict[str, Any]:
    """The classes and functions that these modules define."""
    return {
        name: member
        for module in modules
        for name, member in vars(module).items()
        if getattr(member, "__module__", None) == module.__name__
    }


PIECES = _own((residual, cells, mobile, digits, whole_map))
