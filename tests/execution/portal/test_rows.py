"""The list of a hub's rows."""

from __future__ import annotations

from execution.portal.rows import read_rows, submitted_name, waiting, write_rows


def test_rows_are_kept_in_order_and_a_torn_one_is_left_out(tmp_path):
    write_rows(tmp_path, [("a", {"seed": "0"})])
    write_rows(tmp_path, [("b", {"seed": "1"})])
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write('{"name": "c", "para')
    assert read_rows(tmp_path) == [("a", {"seed": "0"}), ("b", {"seed": "1"})]
    assert read_rows(tmp_path / "nowhere") == []


def test_submitted_rows_that_never_started_are_found():
    rows = [("first", {}), (submitted_name("old", "x"), {}), (submitted_name("new", "y"), {"seed": "1"})]
    submitted = [{"seed": "1"}, {"seed": "2"}, {"seed": "3"}]
    assert waiting(rows, "new", submitted) == [
        ("submitted-new-1", {"seed": "2"}),
        ("submitted-new-2", {"seed": "3"}),
    ]
