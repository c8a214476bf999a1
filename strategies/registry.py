"""The strategies by name, as primitives and spaces have their registries.

Every module of `strategies.multi_trial` and `strategies.one_shot` is imported, then the user's plug-ins.
"""

from __future__ import annotations

import copy
import inspect
from dataclasses import Field, fields
from functools import cache
from types import MappingProxyType
from typing import TypeVar

from records.checks import shown
from records.errors import UserError
from records.options import require_options
from records.plugins import HINT, import_all, load_plugins
from strategies.contract import MultiTrialStrategy, OneShotStrategy, Strategy

_PACKAGES = ("strategies.multi_trial", "strategies.one_shot")
_STRATEGIES: dict[str, type[Strategy]] = {}
_Kind = TypeVar("_Kind", bound=type[Strategy])


def register_strategy(strategy: _Kind) -> _Kind:
    """Makes a strategy known by its ``name``; a decorator.

    Raises `UserError` for a name that another one has, for a class that is abstract or lacks a name or summary, and
    for a setting that another strategy declares otherwise.
    """
    name = getattr(strategy, "name", None)
    if not name or not getattr(strategy, "summary", None):
        raise UserError(
            f"strategy {strategy.__qualname__} lacks a name or a summary; accepted: both, as text"
        )
    if not issubclass(strategy, (MultiTrialStrategy, OneShotStrategy)) or inspect.isabstract(strategy):
        raise UserError(
            f"strategy {name} is {strategy.__qualname__}; accepted: a subclass of MultiTrialStrategy or "
            "OneShotStrategy that defines its abstract methods"
        )
    if not strategy.__module__.startswith(_PACKAGES):
        _import_built_in()  # so that whoever takes a name of theirs is told
    require_options(f"strategy {name}", strategy.Settings)
    known = _STRATEGIES.get(name)
    if known is not None and (known.__module__, known.__qualname__) != (
        strategy.__module__,
        strategy.__qualname__,
    ):
        raise UserError(f"strategy {name} is registered already, by {known.__module__}; give another name")
    for other in _STRATEGIES.values():
        theirs = {field.name: field for field in fields(other.Settings)}
        for field in fields(strategy.Settings):
            same = theirs.get(field.name)
            if same is not None and (same.default, same.type) != (field.default, field.type):
                raise UserError(
                    f"strategy {name} has a setting {field.name} of type {field.type}, default {field.default}; "
                    f"accepted: as {other.name} has it ({same.type}, {same.default}), or another name"
                )
    _STRATEGIES[name] = strategy
    return strategy


def get_strategy(name: str) -> type[Strategy]:
    """The strategy of that name. Raises `UserError`."""
    known = strategies()
    if not isinstance(name, str) or name not in known:
        raise UserError(f"strategy is {shown(name)}; accepted: {', '.join(known)}; {HINT}")
    return known[name]


def strategy_names(*, one_shot: bool | None = None) -> tuple[str, ...]:
    """Names in the order of the alphabet: all, or those of one kind."""
    return tuple(
        name for name, strategy in strategies().items() if one_shot is None or strategy.one_shot is one_shot
    )


def is_one_shot(name: str | None) -> bool:
    """Whether a strategy of that name is known and trains one supernet."""
    strategy = strategies().get(name or "")
    return strategy is not None and strategy.one_shot


def strategies() -> dict[str, type[Strategy]]:
    """All strategies by name."""
    _import_built_in()
    load_plugins()
    return dict(sorted(_STRATEGIES.items()))


def settings_help(name: str) -> str:
    """What a strategy does, and a line for each of its settings. Raises `UserError` for an unknown one."""
    strategy = get_strategy(name)
    lines = [f"{name}: {strategy.summary}"]
    for field in fields(strategy.Settings):
        unit = f" [{field.metadata['unit']}]" if field.metadata["unit"] else ""
        used = field.default if field.default is not None else field.metadata["used"]()
        option = f"--{field.name.replace('_', '-')}"
        lines.append(f"  {option}: {field.metadata['help']}{unit} (default: {used})")
    return "\n".join(lines)


def strategy_options() -> dict[str, tuple[Field, tuple[str, ...]]]:
    """The strategies' own settings by name: the field, and the strategies that have it. Where these say differently
    what it does, its help says it for each."""
    having: dict[str, dict[str, Field]] = {}
    for name, strategy in strategies().items():
        for field in fields(strategy.Settings):
            having.setdefault(field.name, {})[name] = field
    return {name: (_with_all_help(owners), tuple(owners)) for name, owners in having.items()}


def _with_all_help(owners: dict[str, Field]) -> Field:
    first = copy.copy(next(iter(owners.values())))
    texts = {field.metadata["help"] for field in owners.values()}
    if len(texts) > 1:
        words = "; ".join(f"{name}: {field.metadata['help']}" for name, field in owners.items())
        first.metadata = MappingProxyType({**first.metadata, "help": words})
    return first


@cache
def _import_built_in() -> None:
    for package in _PACKAGES:
        import_all(package)
