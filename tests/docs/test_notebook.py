"""The example notebook runs from its first cell to its last, without Jupyter."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]


def test_its_cells_run_in_order_and_show_what_the_runs_hold(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    notebook = json.loads((ROOT / "docs" / "notebook.ipynb").read_text())
    known: dict = {}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], "it is kept without outputs"
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), known)
    assert len(known["candidates"]) == sum(len(run.measurements) for run in known["runs"])
    front = known["front"]
    assert list(front["accuracy_percent"]) == sorted(front["accuracy_percent"])
    assert list(front["macs"]) == sorted(front["macs"])
    assert front["on_front"].all()
    assert {"accuracy", "MACs"} >= set(known["importance"]["target"])
    assert len(known["sure"].hypervolumes) == 2
    known["figure"].canvas.draw()
    assert list(known["mine"]["status"]) == ["ok"] * 3
    assert known["mine"]["accuracy_percent"].max() > 60  # of two classes that a pool tells apart
    assert known["network"](torch.zeros(2, 1, 8, 8)).shape == (2, 2)
