"""The example notebook runs from its first cell to its last, without Jupyter."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_its_cells_run_in_order_and_show_what_the_runs_hold(monkeypatch):
    monkeypatch.chdir(ROOT)
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
