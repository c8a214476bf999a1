"""A space's settings as text: ``stages=3 widths=8,16 layers=none,global_5``, and what there is to set."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from records.checks import shown
from records.errors import UserError
from search_space.problem import Problem
from search_space.space import Space, get_space

_FLAGS = {"true": True, "false": False}


def parse_settings(space: str, text: str | None) -> dict[str, Any]:
    """The settings of ``space`` in ``text``, by name: NAME=VALUE pairs with spaces between them.

    A list's values stand with commas between them; nested lists are JSON without spaces. What a value may be
    is checked when the settings are made. Raises ``UserError`` for what is no pair, unknown or doubled names
    and values of another type.
    """
    settings: dict[str, Any] = {}
    fields = {field.name: field for field in dataclasses.fields(get_space(space).Settings)}
    for pair in (text or "").split():
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise UserError(f"setting is {shown(pair)}; accepted: NAME=VALUE, such as {_example(space)}")
        if name not in fields:
            known = ", ".join(fields) or "none, it has no settings"
            raise UserError(f"{shown(name)} is no setting of {space}; accepted: {known}")
        if name in settings:
            raise UserError(f"setting {name} is given twice; accepted: once, a list with commas")
        settings[name] = _value(name, value, fields[name])
    return settings


def settings_help(space: str) -> str:
    """Two lines for each setting of ``space``: name and default, which is whole and can be given; what it is, and what
    is accepted. Then its decisions' labels, with their numbers of options, for CIFAR's images."""
    known = get_space(space)
    lines = [f"{space}"]
    for field in dataclasses.fields(known.Settings):
        words = [field.metadata.get("help", "")]
        if unit := field.metadata.get("unit"):
            words.append(f"[{unit}]")
        if choices := field.metadata.get("choices"):
            words.append("{" + ", ".join(map(str, choices())) + "}")
        lines.append(f"  {field.name}={default_text(field)}\n      {' '.join(words)}")
    lines.append(f"  decisions: {_labels(known)}")
    return "\n".join(lines)


def _labels(space: Space) -> str:
    decisions = space.decisions(Problem(space.name, {}, (3, 32, 32), 10))
    return ", ".join(f"{decision.label} ({len(decision.options)})" for decision in decisions)


def default_text(field: dataclasses.Field) -> str:
    """The default of a space's setting, as it is written after the equals sign."""
    return _text(_default(field))


def _default(field: dataclasses.Field) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    assert field.default_factory is not dataclasses.MISSING  # every setting has a default
    return field.default_factory()


def _value(name: str, text: str, field: dataclasses.Field) -> Any:
    if text.startswith("["):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(f"setting {name} is {shown(text)}; accepted: JSON ({error})") from error
    default = _default(field)
    if isinstance(default, tuple):
        like = default[0]
        return [_plain(name, part.strip(), like) for part in text.split(",")]
    return _plain(name, text, default)


def _plain(name: str, text: str, like: Any) -> Any:
    """``text`` in the type of ``like``."""
    kind = type(like)
    try:
        if kind is bool:
            return _FLAGS[text.lower()]
        return kind(text) if kind in (int, float) else text
    except (KeyError, ValueError) as error:
        accepted = {bool: "true or false", int: "whole numbers", float: "numbers"}[kind]
        raise UserError(f"setting {name} is {shown(text)}; accepted: {accepted}") from error


def _text(value: Any) -> str:
    """A value as it is written after the equals sign."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, tuple):
        return ",".join(_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _example(space: str) -> str:
    fields = dataclasses.fields(get_space(space).Settings)
    pairs = [f"{field.name}={default_text(field)}" for field in fields]
    return min(pairs, key=len, default="none, it has no settings")
