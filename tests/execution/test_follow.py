"""What a run folder gains, as metrics."""

from __future__ import annotations

import json
import os

from execution.follow import Follower, Lines
from records.run_files.run_lock import locked


def append(path, *records, end="\n"):
    with path.open("a") as file:
        file.write("".join(json.dumps(record) + "\n" for record in records[:-1]))
        file.write(json.dumps(records[-1]) + end)


def candidate(accuracy, macs=10):
    return {"accuracy": accuracy, "macs": macs, "status": "failed" if accuracy is None else "ok"}


def test_lines_come_once_and_whole(tmp_path):
    lines = Lines(tmp_path / "file")
    assert list(lines.new()) == []
    append(tmp_path / "file", {"a": 1}, {"a": 2})
    assert list(lines.new()) == [{"a": 1}, {"a": 2}]
    append(tmp_path / "file", {"a": 3}, end="")
    assert list(lines.new()) == []
    with (tmp_path / "file").open("a") as file:
        file.write("\n")
    assert list(lines.new()) == [{"a": 3}]


def test_an_epoch_is_shown_with_its_numbers_alone(tmp_path):
    record = {"default": 0.4, "epoch": 1, "architecture_loss": None, "genotype": {"space": "x"}}
    append(tmp_path / "oneshot.jsonl", record)
    assert list(Follower(tmp_path).new()) == [{"default": 0.4, "epoch": 1}]


def test_candidates_are_shown_with_the_best_so_far_and_where_their_trials_are(tmp_path):
    follower = Follower(tmp_path)
    path = tmp_path / "candidates.jsonl"
    append(path, candidate(None), candidate(0.5, 10), candidate(0.4, 5))
    record = {"address": "http://127.0.0.1:9", "process": os.getpid()}
    (tmp_path / "nni.json").write_text(json.dumps(record))
    with locked(tmp_path, "wait"):
        shown = list(follower.new())
    portal = {"portal": "http://127.0.0.1:9"}
    assert shown == [
        {
            "default": 0.5,
            "macs": 10,
            "accuracy": 0.5,
            "candidates": 2,
            "failed": 1,
            "cancelled": 0,
            "rejected": 0,
        }
        | portal,
        {
            "default": 0.5,
            "macs": 10,
            "accuracy": 0.4,
            "candidates": 3,
            "failed": 1,
            "cancelled": 0,
            "rejected": 0,
        }
        | portal,
    ]
    append(path, candidate(None))
    with locked(tmp_path, "wait"):
        (tmp_path / "nni.json").write_text(
            json.dumps(record | {"process": 1})
        )  # where it was before a resume
        (last,) = follower.new()
    assert last["failed"] == 2
    assert "portal" not in last


def test_the_outcome_is_the_final_metric(tmp_path):
    follower = Follower(tmp_path)
    assert follower.outcome() is None
    outcome = {"accuracy": 0.7, "macs": 3, "params": 2, "hypervolume": 0.2}
    (tmp_path / "outcome.json").write_text(json.dumps(outcome))
    assert follower.outcome() == {"default": 0.7, **outcome, "run_folder": str(tmp_path)}
    for damaged in ("", "[]", "{}", json.dumps(outcome | {"macs": "a"}), "[" * 100_000):
        (tmp_path / "outcome.json").write_text(damaged)
        assert follower.outcome() is None  # the search, gone on with, writes it anew
