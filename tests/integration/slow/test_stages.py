"""A search by successive halving with real trainings, killed and taken up again, equals an undisturbed one.

Minutes long: ``pytest -m slow tests/integration/slow/test_stages.py``.
"""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.integration.programs import belonging, records, start, wait_for

OPTIONS = (
    "--strategy", "asha", "--min-epochs", "1", "--eta", "2", "--min-share", "0.5", "--width", "4", "--cells", "1", "--epochs", "4",
    "--train-limit", "400", "--batch-size", "32", "--trials", "9", "--threads", "1", "--latency", "on",
)  # fmt: skip


def course(folder) -> list[tuple]:
    """What came of each candidate, but for times."""
    names = ("genotype", "status", "accuracy", "history", "epochs", "share", "continues", "seen")
    return [tuple(r[name] for name in names) for r in sorted(records(folder), key=lambda r: r["index"])]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_and_resumed_at_random_moments_it_ends_as_if_it_had_not_been(tmp_path):
    whole = start(
        tmp_path / "whole.log", "search", *OPTIONS, "--port", "0", "--run-dir", str(tmp_path / "whole")
    )
    assert whole.wait(900) == 0, (tmp_path / "whole.log").read_text()
    chance, folder, log = random.Random(0), tmp_path / "run", tmp_path / "log"
    words = ["search", *OPTIONS, "--port", "0", "--run-dir", str(folder)]
    for _ in range(3):
        search = start(log, *words)
        time.sleep(chance.uniform(15, 45))
        search.kill()
        search.wait(120)
        wait_for(lambda: belonging(folder) == [])
        words = ["resume", str(folder), "--port", "0"]
    assert start(log, *words).wait(900) == 0, log.read_text()
    assert course(folder) == course(tmp_path / "whole")
    ends = {(r["epochs"], r["status"]) for r in records(folder)}
    assert ends == {(1, "partial"), (2, "partial"), (4, "ok")}
    assert all(r["latency"] > 0 for r in records(folder))
    assert all(len(r["history"]) == r["epochs"] for r in records(folder))
    assert json.loads((folder / "outcome.json").read_text())["partial"] == 8
