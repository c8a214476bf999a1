from dataclasses import MISSING, dataclass

import pytest

from records.errors import UserError
from records.interface.toml_file import make, read_toml
from records.options import Options, option


@dataclass(frozen=True)
class Door(Options):
    name: str = option(MISSING, "what it is called")
    number: int = option(7, "in the street", least=0)
    keys: tuple[int, ...] | None = option(None, "that open it")


def test_tables_become_records():
    assert make(Door, {"name": "front", "keys": [3, 4]}, "f") == Door("front", 7, (3, 4))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "doors.toml, door 1: name is missing"),
        (
            {"name": "x", "nmber": 3},
            "doors.toml, door 1: unknown setting nmber; accepted: name, number, keys",
        ),
        ({"name": 3}, "doors.toml, door 1: name is 3; accepted: text"),
        ({"name": "x", "number": "3"}, "doors.toml, door 1: number is '3'; accepted: a whole number"),
        ({"name": "x", "number": True}, "doors.toml, door 1: number is True; accepted: a whole number"),
        (
            {"name": "x", "keys": [1, "2"]},
            "doors.toml, door 1: keys is [1, '2']; accepted: a list of whole numbers or None",
        ),
        (
            {"name": "x", "number": -1},
            "doors.toml, door 1: number is -1; accepted: a whole number, 0 or more",
        ),
        ([3], "doors.toml, door 1 is [3]; accepted: a table of settings"),
    ],
)
def test_a_mistake_is_told_with_its_place(table, said):
    with pytest.raises(UserError) as error:
        make(Door, table, "doors.toml, door 1")
    assert str(error.value) == said


def test_what_is_no_toml_is_told_in_one_line(tmp_path):
    path = tmp_path / "doors.toml"
    with pytest.raises(UserError, match=f"cannot read {path}: No such file"):
        read_toml(path)
    path.write_text("door = ")
    with pytest.raises(UserError, match="is no TOML file") as error:
        read_toml(path)
    assert "\n" not in str(error.value)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is no TOML file"):
        read_toml(path)
    path.write_text("door = 3")
    assert read_toml(path) == {"door": 3}
