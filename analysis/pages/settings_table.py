"""A run's settings as a table: what was asked for, and beside it what was used. Nothing in it tells where the run
lies, on which machine, or whose it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from analysis.run import Run
from records.text import without_paths

COLUMNS = ("name", "asked for", "used")
NOTHING, OPEN = "–", "default"
_WHERE_SHOWN = ("run_dir", "port", "portal", "host")  # they say nothing of what was found
_PARTS = ("space", "recipe", "supernet", "dataset")  # of what was used, records of their own
_OF_THE_DATASET = ("flip",)  # as a setting; a recipe's own number of that name is another one
_IMAGE = ("dataset", "image")  # (channels, height, width)
_Row = tuple[str, str, str]


def settings_rows(run: Run) -> list[_Row]:
    """A row for each setting, in its own order; then what was used besides, such as the recipe's other numbers.

    A setting left open is ``default`` where it is known what was used, and a dash where it is not.
    """
    rows, shown = [], set()
    for name, asked in run.settings.items():
        if name in _WHERE_SHOWN:
            continue
        place = _place(name, run.resolved)
        shown.add(place)
        used = _of_the_image(name, run.resolved) if place == _IMAGE else _at(place, run.resolved)
        used = asked if used is None else used
        first = NOTHING if used is None else OPEN if asked is None else _text(asked, run)
        rows.append((name, first, NOTHING if used is None else _text(used, run)))
    return rows + [(" ".join(place), "", _text(value, run)) for place, value in _rest(run.resolved, shown)]


def _place(name: str, resolved: Mapping[str, Any]) -> tuple[str, ...]:
    """Where among what was used the setting ``name`` stands."""
    if name in _PARTS:
        return (name, "name")
    if name in ("image_size", "channels"):
        return _IMAGE
    if name in _OF_THE_DATASET:
        return ("dataset", name)
    for part in ("space", "recipe", "dataset"):
        record = resolved.get(part)
        if name not in resolved and isinstance(record, Mapping) and name in record:
            return (part, name)
    return (name,)


def _at(place: tuple[str, ...], resolved: Mapping[str, Any]) -> Any:
    value: Any = resolved
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _of_the_image(name: str, resolved: Mapping[str, Any]) -> Any:
    """The channels, or the size as it is asked for: 28, or 28x32; None where the shape is not known."""
    shape = _at(_IMAGE, resolved)
    if not isinstance(shape, list) or len(shape) != 3:
        return None
    channels, height, width = shape
    if name == "channels":
        return channels
    return height if height == width else f"{height}x{width}"


def _rest(resolved: Mapping[str, Any], shown: set[tuple[str, ...]]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, value in resolved.items():
        inner = value.items() if isinstance(value, Mapping) else ()
        found += [((name, key), item) for key, item in inner] or [((name,), value)]
    return [(place, value) for place, value in found if place not in shown and value not in (None, {}, [])]


def _text(value: Any, run: Run) -> str:
    if isinstance(value, str):
        said = without_paths(value, run.path)
        in_home = said.startswith("~")  # whose name the home's own last part would tell
        return PurePath(value).name if PurePath(value).is_absolute() and not in_home else said
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return without_paths(json.dumps(value), run.path)
