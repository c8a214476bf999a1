"""Checks of values that a user gives."""

import math
from pathlib import Path

import pytest

from records.checks import as_path, number, parse_milliseconds
from records.errors import UserError


@pytest.mark.parametrize(("text", "value"), [("2ms", 2.0), (" 0.5 MS", 0.5), ("1e-06", 1e-6), ("12", 12.0)])
def test_a_time_is_milliseconds_with_their_unit_or_without(text, value):
    assert parse_milliseconds(text) == value


@pytest.mark.parametrize("text", ["", "2 s", "-1", "2xs", "1e999", "ms"])
def test_another_time_is_refused(text):
    with pytest.raises(UserError, match="is no time; accepted: milliseconds, such as 2 or 2ms"):
        parse_milliseconds(text)


@pytest.mark.parametrize("value", [10**400, -(10**400), math.inf, math.nan])
def test_a_number_that_no_float_can_hold_is_refused(value):
    with pytest.raises(UserError, match=r"rate is .*; accepted: a number from 0 to 1"):
        number("rate", value, 0, 1)


def test_a_name_that_no_file_can_have_is_no_path():
    assert as_path("out", "é" * 127) == Path("é" * 127)
    for long in ("é" * 128, f"runs/{'x' * 256}/a"):
        with pytest.raises(UserError, match=r"out is .*; accepted: a path of names of at most 255 bytes"):
            as_path("out", long)
