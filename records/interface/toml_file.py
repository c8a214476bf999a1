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


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises `UserError` if it cannot be read or is no TOML."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no TOML file: {error}") from error


def make(record: type[_Record], table: Any, where: str) -> _Record:
    """A dataclass from a TOML table. ``where`` (file and entry) begins every error.

    What the record itself raises, `UserError`, is told with ``where``, too.
    """
    if not isinstance(table, dict):
        raise UserError(f"{where} is {table!r}; accepted: a table of settings")
    fields = {field.name: field for field in dataclasses.fields(record)}  # type: ignore[arg-type]
    for name in table:
        if name not in fields:
            raise UserError(f"{where}: unknown setting {name}; accepted: {', '.join(fields)}")
    for name, field in fields.items():
        if name not in table and field.default is dataclasses.MISSING:
            raise UserError(f"{where}: {name} is missing")
    try:
        return record(**table)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
