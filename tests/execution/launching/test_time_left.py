"""The time that a search will still take."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from execution.launching.time_left import moment, seconds_left

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def after(*seconds: float) -> list[str]:
    return [(START + timedelta(seconds=each)).isoformat() for each in seconds]


def left(ended, remaining, now):
    return seconds_left(ended, remaining, START.isoformat(), START + timedelta(seconds=now))


def test_it_is_that_of_as_many_candidates_as_are_left():
    assert left(after(10, 20, 30), 4, now=30) == pytest.approx(40)
    assert left(after(10, 20, 30), 4, now=35) == pytest.approx(35)
    assert left(after(10), 1, now=100) == 0


def test_the_latest_candidates_count():
    slow, fast = range(100, 1100, 100), range(1001, 1011)
    assert left(after(*slow, *fast), 5, now=1010) == pytest.approx(5)


def test_what_was_measured_before_a_resume_does_not_count():
    before = [(START - timedelta(days=1)).isoformat()]
    assert left(before, 4, now=30) is None
    assert left(before + after(10), 4, now=10) == pytest.approx(40)


def test_what_is_no_time_says_nothing():
    assert left([None, "soon"], 4, now=30) is None
    assert seconds_left(after(10), 4, "", START) is None
    assert moment("2026-01-01T00:00:00") == START
