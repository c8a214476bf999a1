"""Options of a command line, of the fields of a settings record."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest

from records.interface.command_line import Parser, add_options
from records.options import Options, option


@dataclass(frozen=True)
class Mine(Options):
    depth: int = option(3, "layers")
    limit: int | None = option(None, "images", used=lambda: "all")
    share: float = option(0.5, "part")
    place: str = option("a", "where", metavar="DIR")


def test_a_whole_number_is_shown_as_n_without_a_word_of_its_own():
    parser = argparse.ArgumentParser()
    add_options(parser, dataclasses.fields(Mine))
    said = parser.format_help()
    for words in ("--depth N", "--limit N", "--share X", "--place DIR"):
        assert words in said


def test_an_empty_text_is_no_path(capsys):
    parser = Parser(prog="x")
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--out", type=Path)
    assert parser.parse_args(["a", "--out", "b"]).out == Path("b")
    for words, name in (
        ([""], "folders"),
        (["a", ""], "folders"),
        (["--out", ""], "--out"),
        (["--out="], "--out"),
    ):
        with pytest.raises(SystemExit):
            parser.parse_args(words)
        assert (
            capsys.readouterr().err
            == f"error: argument {name}: it is empty; accepted: a path; see `x --help`\n"
        )
