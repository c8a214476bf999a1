"""The list of a hub's rows."""

from __future__ import annotations

import pytest

from execution.portal.rows import submitted_name, waiting
from records.errors import UserError
from records.run_files.search_rows import read_rows, take_back, taken_back, write_rows


def test_rows_are_kept_in_order_and_a_torn_one_is_left_out(tmp_path):
    write_rows(tmp_path, [("a", {"seed": "0"})])
    write_rows(tmp_path, [("b", {"seed": "1"})])
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write('{"name": "c", "para')
    assert read_rows(tmp_path) == [("a", {"seed": "0"}), ("b", {"seed": "1"})]


def test_of_a_folder_that_was_moved_nothing_is_called_damaged(tmp_path):
    with pytest.raises(UserError, match="rows.jsonl: the folder is not there, or not any more$"):
        read_rows(tmp_path / "moved")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "it holds no row; accepted: one or more"),
        ("", "it holds no row; .*`run_search.py resume .*/searches/NAME` goes on with one"),
        ('{"name": "a", "para', "it holds no row"),
        ("[]\n", "line 1, is damaged: it is not a row's JSON; take the line out of"),
        ('{"name": "a"}\n', "line 1, is damaged: it is not a row's JSON; take the line out of"),
        ('{"name": 5, "parameters": {}}\n', "line 1, is damaged: name is 5; accepted: text"),
        ('{"name": "a", "parameters": 5}\n', "line 1, is damaged: parameters is 5; accepted: an object"),
        (
            '{"name": "../../fin", "parameters": {}}\n',
            "line 1, is damaged: name is .*; accepted: the name of a folder",
        ),
        ('{"name": "/a/x", "parameters": {}}\n', "accepted: the name of a folder"),
        ('{"name": "..", "parameters": {}}\n', "accepted: the name of a folder"),
        ('{"name": "", "parameters": {}}\n', "accepted: the name of a folder"),
        (2 * '{"name": "a", "parameters": {}}\n', "two rows are called 'a'"),
    ],
)
def test_damaged_rows_are_told(tmp_path, content, said):
    if content is not None:
        (tmp_path / "rows.jsonl").write_text(content)
    with pytest.raises(UserError, match=f"rows.jsonl.*{said}"):
        read_rows(tmp_path)


def test_submitted_rows_that_never_started_are_found():
    rows = [("first", {}), (submitted_name("old", 3), {}), (submitted_name("new", 2), {"seed": "1"})]
    submitted = {2: {"seed": "1"}, 3: {"seed": "2"}, 5: {"seed": "3"}}
    assert waiting(rows, "new", submitted) == [
        ("submitted-new-3", {"seed": "2"}),
        ("submitted-new-5", {"seed": "3"}),
    ]


def test_what_was_taken_back_is_known_by_its_name(tmp_path):
    assert taken_back(tmp_path) == set()
    for name in ("seed-1", "submitted-new-3"):
        take_back(tmp_path, name)
    assert taken_back(tmp_path) == {"seed-1", "submitted-new-3"}
