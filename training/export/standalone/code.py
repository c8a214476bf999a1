"""Python expressions as a formatter leaves them: on one line if they fit, else an argument a line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 88  # of a line; the usual formatters' own
LONGEST_RUN = 68  # characters of a comprehension, so that it fits behind an indent
SHORTEST_RUN = 3  # equal elements of a list, from which on it is a comprehension


class Channels(int):
    """A number of channels, which a class may know by the name of its argument."""


@dataclass(frozen=True)
class Name:
    """An expression as it is to be written."""

    text: str


@dataclass(frozen=True)
class Call:
    """``function(*arguments, **options)``. ``path``: the module lies so far below its place in the network, see
    ``nested`` in `pieces.cells`."""

    function: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""

    def below(self, name: str) -> Call:
        """The same below the child ``name`` of its place."""
        return dataclasses.replace(self, path=f"{name}.{self.path}" if self.path else name)

    def whole(self) -> Call:
        """With the path as a call of ``nested``."""
        if not self.path:
            return self
        return Call("nested", (self.path, dataclasses.replace(self, path="")))


def with_names(value: Any, names: Mapping[int, str]) -> Any:
    """``value`` with names in place of those numbers of channels."""
    if isinstance(value, Channels):
        return Name(names[value]) if value in names else value
    if isinstance(value, Call):
        arguments = tuple(with_names(item, names) for item in value.arguments)
        options = {name: with_names(item, names) for name, item in value.options.items()}
        return dataclasses.replace(value, arguments=arguments, options=options)
    if isinstance(value, (list, tuple)):
        return type(value)(with_names(item, names) for item in value)
    return value


def expression(value: Any, indent: int = 0, taken: int = 0, *, broken: bool = False) -> str:
    """``value`` as Python; ``indent``: of its line; ``taken``: characters on it beside the indent and the value;
    ``broken``: an argument a line in any case."""
    flat = _flat(value)
    if indent + taken + len(flat) <= WIDTH and not broken:
        return flat
    if isinstance(value, Call):
        value = value.whole()
        items = [("", item) for item in value.arguments]
        items += [(f"{name}=", item) for name, item in value.options.items()]
        if items:
            return _broken(f"{value.function}(", items, ")", indent)
    if isinstance(value, dict) and value:
        return _broken("{", [(f"{quoted(str(key))}: ", item) for key, item in value.items()], "}", indent)
    if isinstance(value, (list, tuple)) and value:
        opening, closing = "[]" if isinstance(value, list) else "()"
        return _broken(opening, [("", item) for item in runs(value)], closing, indent)
    return flat


def _broken(opening: str, items: Sequence[tuple[str, Any]], closing: str, indent: int) -> str:
    lines = [opening]
    alone = len(items) == 1 and isinstance(items[0][1], (list, dict))
    for prefix, item in items:
        text = expression(item, indent + 4, len(prefix) + (not alone), broken=alone)
        lines.append(f"{' ' * (indent + 4)}{prefix}{text}{'' if alone else ','}")
    return "\n".join([*lines, " " * indent + closing])


def _flat(value: Any) -> str:
    if isinstance(value, Name):
        return value.text
    if isinstance(value, Call):
        call = value.whole()
        items = [_flat(item) for item in call.arguments]
        items += [f"{name}={_flat(item)}" for name, item in call.options.items()]
        return f"{call.function}({', '.join(items)})"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(_flat, runs(value)))
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quoted(str(key))}: {_flat(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        return quoted(value)
    return repr(int(value) if isinstance(value, Channels) else value)


def runs(items: Sequence[Any]) -> list[Any]:
    """``items`` with runs of equal calls as one expression."""
    found: list[Any] = []
    at = 0
    while at < len(items):
        count = 1
        while isinstance(items[at], Call) and list(items[at : at + count + 1]) == [items[at]] * (count + 1):
            count += 1
        repeated = f"*[{_flat(items[at])} for _ in range({count})]"
        if count >= SHORTEST_RUN and len(repeated) <= LONGEST_RUN:
            found.append(Name(repeated))
            at += count
        else:
            found.append(items[at])
            at += 1
    return found


def quoted(text: str) -> str:
    """A Python string in the quotes that a formatter would choose."""
    body = json.dumps(text, ensure_ascii=False)
    if '"' in text and text.count('"') > text.count("'"):
        inside = body[1:-1].replace('\\"', '"').replace("'", "\\'")
        return f"'{inside}'"
    return body


def signature(name: str, parameters: Sequence[str], result: str, indent: int = 0) -> str:
    """The first lines of a function."""
    pad = " " * indent
    flat = f"{pad}def {name}({', '.join(parameters)}) -> {result}:"
    if len(flat) <= WIDTH:
        return flat
    inside = "".join(f"{pad}    {parameter},\n" for parameter in parameters)
    return f"{pad}def {name}(\n{inside}{pad}) -> {result}:"
