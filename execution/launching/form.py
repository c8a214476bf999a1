"""The form of a new search, described as plain JSON from the settings' own fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from execution.portal.hub_rows import SHARED
from execution.settings import SIZES, common_options
from records.options import metavar
from search_space import get_space, space_names
from search_space.setting_text import default_text
from strategies.registry import get_strategy, strategy_names, strategy_options

OF_SPACE = "setting."  # before the name of a space's own setting
_OF_PORTAL = ("run_dir", "port", "portal", "host", "setting")  # decided by where the search is launched
_IN_BOTH = (*SIZES, "primitives")  # settings of a space that have a field of every search
_SECTIONS = {
    "What is explored": ("space", *_IN_BOTH),
    "Data": ("dataset", "data_dir", "image_size", "channels", "flip", "train_limit", "validation"),
    "How it is explored": ("strategy", "trials", "concurrency", "seed", "start_from"),
    "Budget": ("max_macs", "max_params", "max_latency", "latency", "latency_batch", "latency_threads"),
    "Training of each candidate": ("epochs", "recipe", "batch_size", "learning_rate"),
    "Trained again at the end": ("confirm", "confirm_seeds", "confirm_epochs"),
    "Scored without training": ("screen", "screen_score", "screen_bins", "screen_chosen"),
    "Where it runs": ("device", "threads", "platform", "hosts", "cluster"),
}
_FOLDED = ("Trained again at the end", "Scored without training", "Where it runs")
_SPACE_SECTION, _STRATEGY_SECTION = "What is explored", "How it is explored"


def form(values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``sections``, each with ``title``, ``folded`` and ``fields``, and ``strategies``, what each does.

    A field has ``name`` (of the text that `execution.launching.check.check` takes), ``label``, ``help``, ``unit``,
    ``choices`` (None: any text; ``open``: others too), ``metavar``, ``default`` (the text that is there at first, empty
    where the value is left open), ``used`` (what is used then), ``number`` (whether it is one), and ``strategies`` and
    ``spaces``, the ones with which it is shown, None for all. ``values`` replace defaults: what a hub shares, say.
    """
    sections = [
        {"title": title, "folded": title in _FOLDED, "fields": _fields(title, names, values or {})}
        for title, names in _titled().items()
    ]
    return {
        "sections": sections,
        "strategies": {name: get_strategy(name).summary for name in strategy_names()},
    }


def field_names() -> list[str]:
    """The names of the settings of every search that the form has."""
    return [name for name in common_options() if name not in _OF_PORTAL]


def _titled() -> dict[str, tuple[str, ...]]:
    """The sections with the names of their fields; what stands in none has one of its own."""
    placed = {name for names in _SECTIONS.values() for name in names}
    others = tuple(name for name in field_names() if name not in placed)
    return _SECTIONS | ({"Others": others} if others else {})


def _fields(title: str, names: tuple[str, ...], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    common = common_options()
    fields = [_common(common[name], values) for name in names]
    if title == _SPACE_SECTION:
        fields += [field for space in space_names() for field in _of_space(space)]
    if title == _STRATEGY_SECTION:
        fields += [field for name in strategy_options() for field in _of_strategies(name, values)]
    return fields


def _of_strategies(name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A setting of strategies; where these say differently what it does, a field for those that say the same."""
    said: dict[str, dict[str, Any]] = {}
    for strategy in strategy_options()[name][1]:
        own = next(f for f in dataclasses.fields(get_strategy(strategy).Settings) if f.name == name)
        field = said.setdefault(own.metadata["help"], _option(own, values) | {"strategies": []})
        field["strategies"].append(strategy)
    return list(said.values())


def _common(field: dataclasses.Field, values: Mapping[str, Any]) -> dict[str, Any]:
    described = _option(field, values)
    if field.name in _IN_BOTH:
        having = [space for space in space_names() if field.name in _settings_of(space)]
        described["spaces"] = having
    return described


def _option(field: dataclasses.Field, values: Mapping[str, Any]) -> dict[str, Any]:
    """A field of a settings record of `records.options`."""
    meta = field.metadata
    value = values.get(field.name, field.default)
    return {
        "name": field.name,
        "label": _label(field.name),
        "help": meta["help"],
        "unit": meta["unit"],
        "choices": list(meta["choices"]()) if meta["choices"] else None,
        "open": meta["open_choices"],
        "metavar": metavar(field),
        "default": "" if value is None else str(value),
        "used": meta["used"]() if meta["used"] else None,
        "number": str(field.type).split(" | ")[0] in ("int", "float"),
        "strategies": None,
        "spaces": None,
    }


def _of_space(space: str) -> list[dict[str, Any]]:
    """A space's own settings, but for those that have a field of every search."""
    return [
        {
            "name": OF_SPACE + name,
            "label": _label(name),
            "help": field.metadata.get("help", ""),
            "unit": field.metadata.get("unit"),
            "choices": _space_choices(field),
            "open": False,
            "metavar": "VALUE",
            "default": "",
            "used": default_text(field),
            "number": False,
            "strategies": None,
            "spaces": [space],
        }
        for name, field in _settings_of(space).items()
        if name not in _IN_BOTH
    ]


def _space_choices(field: dataclasses.Field) -> list[str] | None:
    """The values of a setting that is one of several; a list of them is text, and so is a flag."""
    choices = field.metadata.get("choices")
    if choices is None:
        return ["true", "false"] if default_text(field) in ("true", "false") else None
    known = [str(choice) for choice in choices()]
    return known if default_text(field) in known else None


def _settings_of(space: str) -> dict[str, dataclasses.Field]:
    return {field.name: field for field in dataclasses.fields(get_space(space).Settings)}


def _label(name: str) -> str:
    return name.replace("_", " ")


def texts_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """What the form holds for ``settings``, a run's by name: what is left open has no text."""
    known = {*field_names(), *strategy_options()}
    texts = {name: str(value) for name, value in settings.items() if name in known and value is not None}
    for pair in str(settings.get("setting") or "").split():
        name, _, value = pair.partition("=")
        texts[name if name in _IN_BOTH else OF_SPACE + name] = value
    return texts


def shared_texts(shared: Mapping[str, Any]) -> dict[str, str]:
    """Of what a hub's searches share, the texts of fields of the form."""
    return texts_of({name: value for name, value in shared.items() if name in SHARED})
