"""Candidates as tables, against the run folders they are of."""

from __future__ import annotations

import csv
import io

from analysis import candidates_table, front, read_run
from analysis.tables import front_csv
from tests.analysis.samples.runs import FIVE, make_run, measurement


def test_every_candidate_of_every_run_is_a_row(tmp_path):
    make_run(tmp_path / "one", FIVE)
    make_run(tmp_path / "two", [measurement(0, 0.99, 10), measurement(1, None, 20)])
    table = candidates_table(tmp_path / "one", tmp_path / "two")
    assert list(table["run"]) == ["one"] * len(FIVE) + ["two"] * 2
    assert list(table["index"]) == [m.index for m in FIVE] + [0, 1]
    assert table["accuracy_percent"].isna().sum() == (table["status"] != "ok").sum() > 0
    assert list(table[table["on_front"]]["run"]) == ["two"]  # it has fewer MACs and is better than all


def test_a_front_is_written_as_it_is_read(tmp_path):
    run = read_run(make_run(tmp_path / "one", FIVE))
    points = front(run.ok)
    text = front_csv(points, [run] * len(points), ["one"] * len(points))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["rank"]) for row in rows] == list(range(1, len(points) + 1))
    assert [float(row["accuracy_percent"]) / 100 for row in rows] == [m.accuracy for m in points]
    assert [int(row["macs"]) for row in rows] == [m.macs for m in points]
