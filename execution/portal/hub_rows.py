"""A search as a row of a hub, and a sweep's searches as rows."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Mapping
from typing import Any

from execution.portal.rows import DEFAULT
from execution.settings import SearchSettings, all_options, parse_option
from records.checks import shown
from records.errors import UserError
from records.run_files.search_rows import Row
from training.data.datasets import is_array_file

# A first search of some seconds: the page launches a search by copying one.
SMALL: dict[str, Any] = {"strategy": "random", "trials": 2, "epochs": 1, "width": 4, "cells": 2}
# Where and with what means a search runs is the hub's business, and the same for all its rows.
SHARED = ("data_dir", "device", "threads", "host", "platform", "hosts", "devices", "cluster")
_HUBS_OWN = ("run_dir", "port", "portal")
_MOST_SEARCHES = 1000  # rows of one page
_LISTS = ("primitives", "objectives")  # whose own value has commas
_LONGEST = 60  # characters of a value in a row's name, which is a folder's too


def row_names() -> list[str]:
    """The settings that a row shows."""
    return [name for name in all_options() if name not in SHARED + _HUBS_OWN]


def of_one_value() -> list[str]:
    """The settings whose commas part no values of a sweep: those that all its searches share, and lists."""
    return [name for name in all_options() if name in _LISTS or name not in row_names()]


def row_of(settings: SearchSettings) -> dict[str, str]:
    """A search as a row."""
    asked = settings.to_json()
    values = {name: asked.get(name) for name in row_names()}
    if is_array_file(settings.dataset):  # rows share one folder of data, but a file may be in another
        values["dataset"] = os.path.abspath(os.path.join(settings.data_dir or "", settings.dataset))
    return {name: DEFAULT if value is None else _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def grid(texts: dict[str, str]) -> tuple[list[Row], list[SearchSettings]]:
    """Every combination of the values that ``texts``, option to values with commas, name: rows called after
    what differs among them, and their settings. Raises `UserError` for a value that is wrong.

    Settings of `of_one_value` are taken as they are. Of ``setting`` a comma parts values only where another NAME= follows: ``widths=8,16`` is one value. A long
    value is called by its place among them, from 1.
    """
    several: dict[str, list[str]] = {}
    if not isinstance(texts, Mapping):
        raise UserError(
            f"values is {shown(texts)}; accepted: texts with commas by setting, such as {{'seed': '0,1'}}"
        )
    alone = of_one_value()
    for name, text in texts.items():
        if name not in all_options():
            raise UserError(f"a search has no setting {shown(name)}; accepted: {', '.join(all_options())}")
        if not isinstance(text, str):
            raise UserError(
                f"{name} is {shown(text)}; accepted: text with commas between values, such as '0,1'"
            )
        # A setting's own value may be a list: its commas part values only before another NAME=.
        comma = r",(?=\s*\w+=)" if name == "setting" else ","
        values = [text] if name in alone else [" ".join(value.split()) for value in re.split(comma, text)]
        if len(set(values)) < len(values):
            raise UserError(f"{name} is {text!r}; accepted: different values with commas")
        several[name] = values
    if not several:
        raise UserError("values is {}; accepted: a setting or more, with values for it")
    count = math.prod(len(values) for values in several.values())
    if count > _MOST_SEARCHES:
        raise UserError(f"values give {count:,} searches; accepted: {_MOST_SEARCHES:,} at most")
    swept = [name for name, values in several.items() if len(values) > 1]
    rows, all_settings = [], []
    for chosen in itertools.product(*several.values()):
        named = dict(zip(several, chosen, strict=True))
        settings = SearchSettings(**{name: parse_option(name, value) for name, value in named.items()})
        title = "_".join(_called(name, named[name], several[name]) for name in swept) or "search"
        rows.append((title, row_of(settings)))
        all_settings.append(settings)
    return rows, all_settings


def _called(name: str, value: str, values: list[str]) -> str:
    """A value of a setting in a row's name."""
    if is_array_file(value) and len({os.path.basename(one) for one in values}) == len(values):
        value, values = os.path.basename(value), [os.path.basename(one) for one in values]
    fits = len(value) <= _LONGEST and "/" not in value
    short = value.replace(" ", "-") if fits else str(values.index(value) + 1)
    return f"{name.replace('_', '-')}-{short}"
