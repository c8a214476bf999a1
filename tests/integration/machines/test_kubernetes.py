"""A search in a cluster: NNI's frameworkcontroller service and its runners, on an API that runs pods here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.fake_cluster import FakeCluster
from tests.integration.programs import SENT_FAULTY_TRIALS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def cluster(tmp_path):
    made = FakeCluster(tmp_path / "cluster")
    yield made
    made.stop()


def test_a_search_in_a_cluster(cluster, tmp_path):
    run = tmp_path / "run"
    words = [
        "search", "--platform", "kubernetes", "--cluster", str(cluster.description()), "--host", "127.0.0.1",
        "--strategy", "random", "--trials", "3", "--concurrency", "3", "--width", "4", "--port", "0",
        "--run-dir", str(run),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SENT_FAULTY_TRIALS, *words],
        env=os.environ | cluster.environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]
    records.sort(key=lambda record: record["index"])
    assert [(r["index"], r["status"], r["accuracy"]) for r in records] == [
        (0, "ok", 0.5), (1, "failed", None), (2, "failed", None),
    ]  # fmt: skip
    assert records[0]["history"] == [0.0, 0.1]
    assert "the roof fell in" in records[1]["error"]
    (said,) = run.glob(f"nni/[!_]*/environments/*/trials/{records[1]['trial']}/trial.stderr")
    assert "RuntimeError: the roof fell in" in said.read_text()
    assert str(cluster.share) in said.read_text()  # it ran there, by the source that was sent
    (framework, *_) = cluster.frameworks.values()
    assert framework["kind"] == "Framework"
    assert all(pod.poll() is not None for pod in cluster.pods.values())
    assert list((cluster.share / "nni").iterdir()) == []
