"""Lines where no terminal is, and no work that ends because nobody reads them."""

from __future__ import annotations

import sys

import pytest

from records.interface import terminal


@pytest.mark.parametrize(
    ("out", "err", "watched"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_bar_is_enough_where_both_streams_are_a_terminal(monkeypatch, capsys, out, err, watched):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: out)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: err)
    assert terminal.watched() == watched
    terminal.say("a step\nof two lines")
    assert capsys.readouterr().out == ("" if watched else "a step of two lines\n")


def test_a_reader_that_went_away_ends_nothing(monkeypatch):
    class Gone:
        def isatty(self):
            return False

        def write(self, _):
            raise BrokenPipeError

        flush = write

    monkeypatch.setattr(sys, "stdout", Gone())
    terminal.say("a step")


def test_a_program_without_streams_says_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    terminal.say("a step")


@pytest.mark.parametrize(("count", "lines"), [(3, 3), (10, 10), (25, 10), (400, 10)])
def test_many_short_steps_are_told_by_the_tenth(monkeypatch, capsys, count, lines):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    for done in range(1, count + 1):
        terminal.say_share("judged", done, count, "networks")
    told = capsys.readouterr().out.splitlines()
    assert len(told) == lines
    assert told[-1] == f"judged: {count} of {count} networks"
