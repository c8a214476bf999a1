"""What was typed into the form of a new search, checked by the code that checks the command line; nothing starts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from execution.launching.form import OF_SPACE
from execution.launching.known_data import known_data
from execution.launching.known_range import known_range
from execution.session import session_of
from execution.settings import SearchSettings, all_options, parse_option
from records.checks import shown
from records.errors import UserError
from search_space import get_space
from search_space.problem import Problem
from strategies.budget import Budget
from strategies.registry import get_strategy, strategy_options
from training.data.prepare import PreparedData

WHOLE = ""  # the name under which an error of no one field stands
_MOST_ERRORS = 12
_LONGEST = 4096  # characters of a text
_DECIDING = ("space", "strategy")  # a wrong one makes others wrong


@dataclass(frozen=True)
class Checked:
    """``errors``: a line by field's name, `WHOLE` for what is of no one field. Without any there are ``settings``, and
    ``data`` (what is known of them without fetching them), which may be None; ``note`` says why."""

    errors: dict[str, str] = field(default_factory=dict)
    settings: SearchSettings | None = None
    data: PreparedData | None = None
    note: str | None = None


def check(texts: Mapping[str, Any]) -> Checked:
    """Checks texts by field's name, as `execution.launching.form.form` names them; an empty one leaves a value open, and those of
    other spaces and strategies than the chosen ones are left out."""
    errors, values = _values(texts)
    settings = None
    while not errors.keys() & {WHOLE, *_DECIDING} and len(errors) < _MOST_ERRORS:
        try:
            settings = SearchSettings(**_given(values))
            break
        except UserError as error:
            name = _field_of(str(error), values)
            errors.setdefault(name, str(error))
            values.pop(name, None)  # the next one is found without it
    if errors or settings is None:
        return Checked(errors)
    return _checked_with_data(settings, values)


def _values(texts: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Errors and values of single fields."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, text in texts.items():
        if not isinstance(name, str) or not isinstance(text, str) or len(text) > _LONGEST:
            raise UserError(
                f"{shown(name)} is {shown(text)}; accepted: text of {_LONGEST} characters at most"
            )
        if text.strip():
            values[name] = text.strip()
    for name in _not_chosen(values):
        del values[name]
    for name, text in list(values.items()):
        try:
            if not name.startswith(OF_SPACE):
                values[name] = parse_option(name, text) if name in all_options() else _unknown(name)
        except UserError as error:
            errors[name] = str(error)
            del values[name]
    return errors, values


def _unknown(name: str) -> Any:
    raise UserError(f"a search has no setting {shown(name)}")


def _not_chosen(values: Mapping[str, str]) -> list[str]:
    """What is of another strategy or space than the chosen one."""
    strategy = values.get("strategy", SearchSettings.strategy)
    others = {name for name, (_, having) in strategy_options().items() if strategy not in having}
    try:
        space = get_space(values.get("space", SearchSettings.space))
    except UserError:  # which is said
        return [name for name in values if name in others]
    own = {each.name for each in dataclasses.fields(space.Settings)}
    of_space = {name for name in values if name.startswith(OF_SPACE) and name[len(OF_SPACE) :] not in own}
    return [name for name in values if name in others | of_space]


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """As `SearchSettings` takes them: the space's own settings in one text."""
    own = [
        f"{name[len(OF_SPACE) :]}={''.join(value.split())}"
        for name, value in values.items()
        if name.startswith(OF_SPACE)
    ]
    common = {name: value for name, value in values.items() if not name.startswith(OF_SPACE)}
    return common | ({"setting": " ".join(own)} if own else {})


def _field_of(message: str, values: Mapping[str, Any]) -> str:
    """The field that an error is about, `WHOLE` where that cannot be told."""
    if message.startswith("no file "):
        return "dataset"
    words = re.match(r"(?:setting )?'?(\w+)", message)
    candidates = [words[1]] if words else []
    candidates += re.findall(r"has no setting '?(\w+)|^unknown (\w+)|--(max-\w+)", message)[0:1]
    for candidate in candidates:
        names = candidate if isinstance(candidate, tuple) else (candidate,)
        for name in filter(None, names):
            name = name.replace("-", "_")
            for known in (name, OF_SPACE + name):
                if known in values or (known == name and known in all_options()):
                    return known
    return WHOLE


def _require_budget(settings: SearchSettings, problem: Problem) -> None:
    """Says in a moment what the session finds out by drawing for long: that no network has so few MACs."""
    if settings.max_macs is not None and not get_strategy(settings.strategy).one_shot:
        smallest = known_range(problem).smallest
        if smallest.macs > settings.max_macs:
            raise Budget(settings.max_macs, settings.max_params).error(problem.space, smallest)


def _checked_with_data(settings: SearchSettings, values: Mapping[str, Any]) -> Checked:
    """What a search looks at before it begins: places, device, budget, images, as far as the data are here."""
    try:
        settings.require_places()
        data, note = known_data(settings)
        session = session_of(settings)
        if data is None:
            session.check_device()
        else:
            session.data = data
            _require_budget(settings, session.problem)
            session.check()
    except UserError as error:
        return Checked({_field_of(str(error), values): str(error)})
    return Checked({}, settings, data, note)
