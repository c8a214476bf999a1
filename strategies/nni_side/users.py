"""A strategy of NNI's that the user names, as MODULE:CLASS, or gives, as an object."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from records.checks import shown
from records.errors import UserError
from strategies.extras import RL
from strategies.nni_side.quiet_import import quiet_import, quietly

_GIVEN = "given "  # as an object, in Python; its class follows
_SUPERNETS = "nni.nas.oneshot.pytorch.strategy"  # NNI's module of its one-shot strategies
# Our strategy that runs it, and that one's setting which names it, by whether it trains a supernet.
_RUNS = {False: ("nni", "nni_strategy"), True: ("nni-one-shot", "nni_one_shot")}
_KINDS = {
    False: "a multi-trial one, whose candidates are trials",
    True: "a one-shot one, which trains a supernet",
}


def settings_of(given: Any) -> dict[str, Any]:
    """The settings of a search by a strategy that is given as an object. Raises `UserError` for anything else."""
    if not isinstance(given, _base()):
        raise UserError(
            f"strategy is of type {type(given).__name__}; accepted: a nni.nas.strategy.base.Strategy"
        )
    if isinstance(given, quiet_import("nni.nas.strategy.middleware").Chain) and _one_shot(type(given[0])):
        raise UserError(
            f"strategy is a Chain of {_named(type(given[0]))}, which is one-shot; accepted: the latter by itself, for a "
            "chain filters models between a strategy and its trials"
        )
    strategy, setting = _RUNS[_one_shot(type(given))]
    _require_extra("strategy", type(given))
    return {"strategy": strategy, setting: f"{_GIVEN}{_named(type(given))}"}


def require_given(setting: str, asked: str, given: Any) -> None:
    """Raises `UserError` where what ``setting`` names is an object and ``given``, one or None, is not like it."""
    if given is None and asked.startswith(_GIVEN):
        raise UserError(
            f"{setting} is {shown(asked)}, an object; accepted from Python alone: pde_nas.resume(RUN, strategy=...)"
        )
    if given is not None and asked != f"{_GIVEN}{_named(type(given))}":
        raise UserError(f"strategy is a {_named(type(given))}; accepted: as in the run, {asked}")


def made(setting: str, asked: str, seed: int, *, one_shot: bool) -> Any:
    """The strategy that ``setting`` names, with ``seed`` where it takes one. Raises `UserError`."""
    module, _, name = asked.partition(":")
    try:
        found = quiet_import(module)
        with quietly():  # NNI's package imports what a name needs when it is asked for it
            kind = getattr(found, name)
        if not issubclass(kind, _base()):
            raise TypeError("it is no nni.nas.strategy.base.Strategy")
        _require_kind(setting, kind, one_shot=one_shot)
        seeded = {"seed": seed} if "seed" in inspect.signature(kind).parameters else {}
        return kind(**seeded)
    except UserError:
        raise
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UserError(
            f"{setting} is {shown(asked)}: {error}; accepted: MODULE:CLASS of a strategy of NNI's that can be made "
            "without arguments"
        ) from error


def copied(given: Any) -> Any:
    """The user's object, which can run once, as it was given; where it holds a lock, as NNI's TPE does, itself."""
    try:
        return copy.deepcopy(given)
    except TypeError:
        return given


def _base() -> Any:
    return quiet_import("nni.nas.strategy.base").Strategy


def _one_shot(kind: type) -> bool:
    return any(base.__module__ == _SUPERNETS for base in kind.__mro__)


def _require_kind(setting: str, kind: type, *, one_shot: bool) -> None:
    if _one_shot(kind) is not one_shot:
        strategy, other = _RUNS[not one_shot]
        raise UserError(
            f"{setting} is {_named(kind)}, {_KINDS[not one_shot]}; accepted: {_KINDS[one_shot]}; that one is run by "
            f"--strategy {strategy} --{other.replace('_', '-')} {_named(kind)}"
        )
    _require_extra(setting, kind)


def is_enas(kind: type) -> bool:
    return any(base.__module__ == _SUPERNETS and base.__name__ == "ENAS" for base in kind.__mro__)


def _require_extra(setting: str, kind: type) -> None:
    if is_enas(kind):
        RL.require(f"{setting} {_named(kind)}")


def _named(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"
