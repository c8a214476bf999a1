"""How far a search is where NNI shows nothing of it."""

from __future__ import annotations

import json

from analysis.live.progress import search_progress
from tests.analysis.live.records import add, candidate, run_folder

NOTHING = {"line": None, "accuracies": [], "best": None}


def test_of_other_searches_there_is_nothing_to_say(tmp_path):
    run = run_folder(tmp_path / "run", [candidate(0)])
    assert search_progress(run) == NOTHING
    (run / "settings.json").write_text("{")
    assert search_progress(run) == NOTHING


def test_epochs_come_first_and_then_candidates(tmp_path):
    run = run_folder(tmp_path / "run", [], strategy="darts", trials=2)
    record = json.loads((run / "settings.json").read_text()) | {"resolved": {"supernet": {"epochs": 5}}}
    (run / "settings.json").write_text(json.dumps(record))
    assert search_progress(run) == {"line": "Supernet: epoch 0 of 5.", "accuracies": [], "best": None}
    lines = [json.dumps({"default": 0.25}), json.dumps({"default": 0.5}), '{"default": 0.']
    (run / "oneshot.jsonl").write_text("\n".join(lines))
    assert search_progress(run) == {
        "line": "Supernet: epoch 2 of 5, 50.00% of the validation images.", "accuracies": [0.25, 0.5], "best": 0.5,
    }  # fmt: skip
    add(run, [candidate(0, accuracy=0.75), candidate(1, accuracy=0.25)])
    found = search_progress(run)
    assert found["line"].endswith("images. Candidates: 2 of 2, best 75.00%.")
    assert found["best"] == 0.75


def test_what_comes_before_a_first_candidate_is_said_until_there_is_one(tmp_path):
    run = run_folder(tmp_path / "run", [], strategy="supernet-pareto", judged=40, trials=2)
    (run / "judged.jsonl").write_text("{}\n" * 3)
    line = "Before the first candidate: 3 of 40 networks are judged on the supernet's weights."
    assert search_progress(run) == NOTHING | {"line": line}
    (run / "proposed.jsonl").write_text('{"index": 0, "seen": 0}\n')
    assert search_progress(run) == NOTHING
