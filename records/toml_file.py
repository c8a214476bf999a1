"""Settings in TOML files, read strictly: one line names the file, the entry, what is wrong, what is accepted."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any, TypeVar

from records.errors import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_Record = TypeVar("_Record")
_KINDS = {str: "text", int: "a whole number", list: "a list of whole numbers"}


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises `UserError` if it cannot be read or is no TOML."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no TOML file: {error}") from error


def entry(kind: type, default: Any = dataclasses.MISSING) -> Any:
    """A field of a record that `make` fills: ``kind`` is what TOML must give, without a default it must."""
    metadata = {"kind": kind}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def make(record: type[_Record], table: Any, where: str) -> _Record:
    """A dataclass from a TOML table. ``where`` (file and entry) begins every error.

    Fields without `entry` are not the file's to set. The record's own ``__post_init__`` raises `UserError`
    for what is out of range, and that too is told with ``where``.
    """
    if not isinstance(table, dict):
        raise UserError(f"{where} is {table!r}; accepted: a table of settings")
    fields = {f.name: f for f in dataclasses.fields(record) if "kind" in f.metadata}  # type: ignore[arg-type]
    for name in table:
        if name not in fields:
            raise UserError(f"{where}: unknown setting {name}; accepted: {', '.join(fields)}")
    for name, field in fields.items():
        if name not in table:
            if field.default is dataclasses.MISSING:
                raise UserError(f"{where}: {name} is missing")
            continue
        kind, value = field.metadata["kind"], table[name]
        right = isinstance(value, kind) and not isinstance(value, bool)
        if kind is list:
            right = right and all(type(item) is int for item in value)
        if not right:
            raise UserError(f"{where}: {name} is {value!r}; accepted: {_KINDS[kind]}")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    try:
        return record(**values)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
