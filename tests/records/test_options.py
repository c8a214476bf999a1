"""Fields of settings records: checked by what they declare."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from records.errors import UserError
from records.options import Options, option, parsed


@dataclass(frozen=True)
class Mine(Options):
    count: int = option(3, "things", unit="things", least=1)
    seed: int = option(0, "chance", least=0, most=9)
    share: float = option(0.5, "part", least=0.0, most=1.0)
    name: str | None = option(None, "who", choices=lambda: ("ann", "bob"))
    place: str | None = option(None, "where")
    folder: str | None = option(None, "where it is kept", path=True)
    rate: float | None = option(None, "how fast")


def test_values_become_plain():
    mine = Mine(count=np.int64(2), share=np.float32(0.25), place=Path("a/b"))
    values = dataclasses.astuple(mine)
    assert values == (2, 0, 0.25, None, "a/b", None, None)
    assert [type(value) for value in values[:5]] == [int, int, float, type(None), str]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"count": 0}, "count is 0; accepted: a whole number, 1 or more"),
        ({"count": 2**31}, "count is 2147483648; accepted: a whole number from 1 to 2147483647"),
        ({"count": True}, "count is True; accepted: a whole number"),
        ({"seed": 10}, "seed is 10; accepted: a whole number from 0 to 9"),
        ({"share": 1.5}, "share is 1.5; accepted: a number from 0 to 1.0"),
        ({"share": math.nan}, "share is nan; accepted: a finite number from 0 to 1.0"),
        ({"rate": math.nan}, "rate is nan; accepted: a finite number"),
        ({"rate": math.inf}, "rate is inf; accepted: a finite number"),
        ({"rate": 10**400}, "rate is inf; accepted: a finite number"),
        ({"rate": -(10**400)}, "rate is -inf; accepted: a finite number"),
        ({"name": "eve"}, "name is 'eve'; accepted: ann, bob"),
        ({"place": "a\0b"}, r"place is 'a\x00b'; accepted: text or None"),
        ({"folder": ""}, "folder is ''; accepted: a path or None"),
        ({"folder": 5}, "folder is 5; accepted: a path or None"),
    ],
)
def test_what_is_wrong_is_told_in_one_wording(given, said):
    with pytest.raises(UserError) as error:
        Mine(**given)
    assert str(error.value) == said


def test_text_is_parsed_as_the_field_says():
    fields = {field.name: field for field in dataclasses.fields(Mine)}
    assert parsed(fields["count"], "7") == 7
    assert parsed(fields["place"], "7") == "7"
    with pytest.raises(UserError, match="count is 'many'; accepted: a whole number"):
        parsed(fields["count"], "many")


def test_a_record_may_be_declared_without_postponed_annotations():
    made = dataclasses.make_dataclass(
        "Other", [("steps", int, option(1, "steps", least=1))], bases=(Options,), frozen=True
    )
    assert made(steps=2).steps == 2
    with pytest.raises(UserError, match="steps is 0; accepted: a whole number, 1 or more"):
        made(steps=0)
