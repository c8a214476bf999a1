"""What a file of candidates has gained since the last look."""

from __future__ import annotations

import json

import pytest

from analysis.live.candidates import COLUMNS, new_candidates, row_of
from records.errors import UserError
from search_space.contents import global_share
from tests.analysis.live.records import add, candidate, failed, run_folder
from tests.analysis.samples.yardstick import times_of_json


def looks(path, offset=0):
    found = new_candidates(path / "candidates.jsonl", offset)
    return found, [dict(zip(COLUMNS, row, strict=True)) for row in found["rows"]]


def test_each_look_gives_what_came_since_the_last(tmp_path):
    run = run_folder(tmp_path / "run", [candidate(0), failed(1, error="it  fell\nover")])
    found, rows = looks(run)
    assert [(row["index"], row["status"], row["accuracy"]) for row in rows] == [
        (0, "ok", 0.5),
        (1, "failed", None),
    ]
    assert rows[1]["error"] == "it fell over"
    assert rows[0]["share"] == pytest.approx(global_share(candidate(0)["genotype"]["architecture"]), abs=1e-4)
    assert rows[0]["latency"] is None
    assert (found["more"], found["again"], found["damaged"]) == (False, False, [])
    add(run, [candidate(2, latency=1.5)])
    found, rows = looks(run, found["next"])
    assert [(row["index"], row["latency"]) for row in rows] == [(2, 1.5)]
    assert looks(run, found["next"])[1] == []


def test_a_line_that_is_being_written_waits_for_its_end(tmp_path):
    run = run_folder(tmp_path / "run", [candidate(0)])
    line = json.dumps(candidate(1)) + "\n"
    with (run / "candidates.jsonl").open("a") as file:
        file.write(line[:50])
    found, rows = looks(run)
    assert [row["index"] for row in rows] == [0]
    assert (found["more"], found["lines"]) == (False, 1)
    with (run / "candidates.jsonl").open("a") as file:
        file.write(line[50:])
    assert [row["index"] for row in looks(run, found["next"])[1]] == [1]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "3",
        '{"index": 1}',
        json.dumps(candidate(-1)),
        json.dumps(candidate(0, status="odd")),
        "[" * 99999,
    ],
)
def test_a_damaged_line_is_numbered_and_hides_no_other(tmp_path, line):
    run = run_folder(tmp_path / "run", [candidate(0)])
    with (run / "candidates.jsonl").open("a") as file:
        file.write(line + "\n\n")
    add(run, [candidate(1)])
    found, rows = looks(run)
    assert ([row["index"] for row in rows], found["damaged"], found["lines"]) == ([0, 1], [2], 4)


def test_what_is_no_number_is_not_known():
    row = dict(
        zip(
            COLUMNS,
            row_of(
                json.dumps(
                    candidate(0, accuracy=float("nan"), macs="many", latency=True, seconds=10**400)
                ).encode()
            ),
            strict=True,
        )
    )
    assert [row[name] for name in ("accuracy", "macs", "latency", "seconds")] == [None] * 4


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "candidates.jsonl").mkdir()
    with pytest.raises(UserError, match=r"cannot read .*candidates\.jsonl: Is a directory"):
        looks(tmp_path)


def test_a_file_that_was_replaced_begins_again(tmp_path):
    run = run_folder(tmp_path / "run", [candidate(0), candidate(1)])
    offset = looks(run)[0]["next"]
    (run / "candidates.jsonl").write_text(json.dumps(candidate(5)) + "\n")
    found, rows = looks(run, offset)
    assert (found["again"], [row["index"] for row in rows]) == (True, [5])
    (run / "candidates.jsonl").unlink()
    assert looks(run, offset)[0] == {
        "rows": [],
        "next": 0,
        "more": False,
        "again": True,
        "lines": 0,
        "damaged": [],
    }


def test_many_are_read_in_several_looks_and_in_a_few_times_what_their_lines_take(tmp_path):
    run = run_folder(tmp_path / "run", [candidate(index) for index in range(10_000)])
    indices, numbers = [], []

    def look():
        more = True
        while more:
            found, rows = looks(run, numbers[-1] if numbers else 0)
            indices.extend(row["index"] for row in rows)
            numbers.append(found["next"])
            more = found["more"]

    times = times_of_json(look, run / "candidates.jsonl")
    assert indices == list(range(10_000))
    assert len(numbers) > 1
    assert times < 15
