"""Options of a command line, made from the fields of settings records (`records.options`)."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from records.checks import shown
from records.errors import UserError
from records.options import accepted_text, metavar, parser


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one line, without the usage of thirty options before it, and an empty text is no path."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.register("type", Path, _path)

    def _print_message(self, message: str, file: Any = None) -> None:
        """argparse would keep to itself that a text could not be printed."""
        print(message, end="", file=file or sys.stderr, flush=True)

    def error(self, message: str) -> NoReturn:
        print(f"error: {message}; see `{self.prog} --help`", file=sys.stderr)
        sys.exit(2)


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("it is empty; accepted: a path")
    return Path(text)


def add_options(
    command: argparse._ActionsContainer,
    fields: Iterable[dataclasses.Field],
    plain: bool = False,
    defaults: Mapping[str, Any] | None = None,
) -> None:
    """An option for each field, with its help, unit, choices and what is used without it: its own default, or that in
    ``defaults``; ``plain`` leaves what is given as text."""
    for field in fields:
        meta = field.metadata
        words = [meta["help"]]
        if meta["unit"]:
            words.append(f"[{meta['unit']}]")
        if meta["choices"]:
            words.append("{" + ", ".join(meta["choices"]()) + "}")
        used = (defaults or {}).get(field.name, field.default)
        if used is None and meta["used"]:
            used = meta["used"]()
        if used is not None:
            words.append(f"(default: {used})")
        command.add_argument(
            "--" + field.name.replace("_", "-"),
            help=" ".join(words).replace("%", "%%"),
            type=str if plain else _told(field),
            metavar=metavar(field),
            default=argparse.SUPPRESS,
            action=_Joined if meta["repeated"] else "store",
        )


class _Joined(argparse.Action):
    """What is given several times is one text, with spaces."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        before = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, values if before is None else f"{before} {values}")


def _told(field: dataclasses.Field) -> Any:
    """As argparse wants it: a number's own complaint, and ours, in one line."""
    parse = parser(field)
    if parse is str:
        return parse

    def told(text: str) -> Any:
        try:
            return parse(text)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        except ValueError as error:
            said = f"{shown(text)}; accepted: {accepted_text(field)}"
            raise argparse.ArgumentTypeError(said) from error

    return told
