"""The exports' latencies on the report's page."""

from __future__ import annotations

import json

from analysis import read_run
from analysis.pages.exports import exports
from tests.analysis.pages.test_page import tables
from tests.analysis.samples.runs import FIVE, make_run

LATENCY = {
    "unit": "ms", "processor": "Some <CPU>", "threads": 1,
    "batch": {"1": {"pytorch": [1.0, 2.0, 3.0], "onnx": [0.5, 0.6, 0.7]}, "64": {"pytorch": [10, 20, 30], "onnx": [5, 6, 7]}},
}  # fmt: skip


def write(folder, **changed):
    folder.mkdir(parents=True)
    accuracy = {"value": 0.875, "set": "test", "images": 360}
    record = {
        "weights": "trained",
        "accuracy": accuracy,
        "candidate": {"index": 4},
        "latency": LATENCY,
    } | changed
    (folder / "model.json").write_text(json.dumps(record))


def test_each_form_of_each_export(tmp_path):
    path = make_run(tmp_path / "run", FIVE)
    assert exports(read_run(path), "run") == []
    write(path / "export")
    write(path / "export" / "candidate2", weights="UNTRAINED: random weights", accuracy=None, candidate=None)
    write(path / "export-old", latency=None)  # of an earlier version, and a damaged one
    (path / "export-bad").mkdir()
    (path / "export-bad" / "model.json").write_text("[1]")
    page = "".join(exports(read_run(path), "run"))
    assert "one" not in page.split("<table")[0]
    assert "1 thread of Some &lt;CPU&gt;" in page
    (rows,) = tables(page)
    assert rows[1] == [
        "export",
        "4",
        "87.50% test",
        "pytorch",
        "2.00",
        "1.00 to 3.00",
        "20.00",
        "10.00 to 30.00",
    ]
    assert [row[:4] for row in rows[2:]] == [
        ["export", "4", "87.50% test", "onnx"],
        ["export/candidate2", "–", "untrained", "pytorch"],
        ["export/candidate2", "–", "untrained", "onnx"],
    ]
