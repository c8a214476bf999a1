"""What a page of the portal is, and what its data know of the place: see `execution.pages`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from records.checks import LONGEST_NAME, shown
from records.errors import UserError
from records.run_files.settings_file import SETTINGS

SEARCHES = "searches"  # the folder of a hub's searches
Asked = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """``run``: the folder of the search, hub or sweep whose portal it is, absolute."""

    run: Path

    @property
    def base(self) -> Path:
        """The folder in which the run lies: of a hub's search that in which the hub lies."""
        above = self.run.parent
        inside = above.name == SEARCHES and (above.parent / SETTINGS).is_file()
        return above.parent.parent if inside else above

    def key(self, run: Path) -> str:
        """The name of a run in addresses. Raises `UserError` for one that lies elsewhere."""
        try:
            return run.relative_to(self.base).as_posix()
        except ValueError as error:
            raise UserError(f"{run} is no run of this portal; accepted: runs in {self.base}") from error

    def folder(self, key: Any = None) -> Path:
        """The folder of the run with that key, by default the portal's own. Raises `UserError` for any that is neither in
        `base` nor a search of a hub there."""
        if not key:
            return self.run
        parts = (
            key.split("/") if isinstance(key, str) else []
        )  # a page may name several where one is asked for
        plain = all(_is_plain(part) for part in parts)
        known = len(parts) == 1 or (len(parts) == 3 and parts[1] == SEARCHES)
        found = self.base.joinpath(*parts) if plain and known else None
        if found is None or not (found / SETTINGS).is_file():
            raise UserError(
                f"run is {shown(key)}; accepted: a run folder in {self.base}, or HUB/{SEARCHES}/NAME"
            )
        return found


def _is_plain(name: str) -> bool:
    """Whether it is a name that a file can have, and no way to elsewhere."""
    if any(letter in "\0\\" or "\ud800" <= letter <= "\udfff" for letter in name):
        return False
    return name not in ("", ".", "..") and len(name.encode()) <= LONGEST_NAME


Datum = Callable[[Place, Asked], Any]
Document = Callable[[Place, Asked], str]  # a whole page of HTML


@dataclass(frozen=True)
class Page:
    """A page: see `execution.pages`. ``linked`` says whether the navigation leads to it."""

    name: str
    title: str
    gets: Mapping[str, Datum] = field(default_factory=dict)
    posts: Mapping[str, Datum] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)
    files: Sequence[Path] = ()
    scripts: Sequence[Path] = ()
    linked: bool = True


def several(asked: Asked, name: str) -> list[str]:
    """The texts that a page named so, none, one or several."""
    value = asked.get(name, [])
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def whole(asked: Asked, name: str, default: int | None = None) -> int:
    """A whole number, 0 or more, that a page named. Raises `UserError`."""
    value = asked.get(name, default)
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 16):
        raise UserError(f"{name} is {shown(value)}; accepted: a whole number, 0 or more")
    return int(text)
