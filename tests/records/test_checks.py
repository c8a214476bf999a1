"""Checks of values that a user gives."""

import pytest

from records.checks import parse_milliseconds
from records.errors import UserError


@pytest.mark.parametrize(("text", "value"), [("2ms", 2.0), (" 0.5 MS", 0.5), ("1e-06", 1e-6), ("12", 12.0)])
def test_a_time_is_milliseconds_with_their_unit_or_without(text, value):
    assert parse_milliseconds(text) == value


@pytest.mark.parametrize("text", ["", "2 s", "-1", "2xs", "1e999", "ms"])
def test_another_time_is_refused(text):
    with pytest.raises(UserError, match="is no time; accepted: milliseconds, such as 2 or 2ms"):
        parse_milliseconds(text)
