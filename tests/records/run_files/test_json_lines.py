"""Files with a record a line: what a crash leaves is mended, what is damaged is told."""

import pytest

from records.errors import UserError
from records.run_files.json_lines import append_line, read_lines


def test_lines_come_back_in_their_order(tmp_path):
    path = tmp_path / "lines.jsonl"
    assert read_lines(path, dict, "a record") == []
    for number in range(3):
        append_line(path, {"n": number})
    assert read_lines(path, lambda record: record["n"], "a record with n") == [0, 1, 2]


@pytest.mark.parametrize("torn", [b'{"n": ', b"[7]", b"\x00" * 20])
def test_what_a_crash_cut_short_is_left_out_and_written_over(tmp_path, torn):
    path = tmp_path / "lines.jsonl"
    append_line(path, {"n": 0})
    with path.open("ab") as file:
        file.write(torn)
    assert read_lines(path, dict, "a record") == [{"n": 0}]
    append_line(path, {"n": 1})
    assert path.read_bytes() == b'{"n": 0}\n{"n": 1}\n'


def test_a_whole_line_whose_end_an_editor_took_is_kept(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"n": 0}\n{"n": 1}')
    assert read_lines(path, dict, "a record") == [{"n": 0}, {"n": 1}]
    append_line(path, {"n": 2})
    assert path.read_bytes() == b'{"n": 0}\n{"n": 1}\n{"n": 2}\n'


@pytest.mark.parametrize("line", ["[1, 2]", "{}", "nonsense", "[" * 100_000])
def test_a_damaged_line_is_told_by_its_number(tmp_path, line):
    path = tmp_path / "lines.jsonl"
    path.write_text(f'{{"n": 0}}\n{line}\n')
    with pytest.raises(
        UserError,
        match=r"lines\.jsonl, line 2, is damaged: it is not a record with n; take the line out of the file to go on without it$",
    ):
        read_lines(path, lambda record: record["n"], "a record with n")


def test_what_cannot_be_read_or_written_is_told(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        read_lines(tmp_path, dict, "a record")
    with pytest.raises(UserError, match="cannot write"):
        append_line(tmp_path / "no" / "lines.jsonl", {})
