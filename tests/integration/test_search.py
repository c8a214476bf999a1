"""A real NNI experiment: trials that crash, are killed or stay silent, and the portal beside them."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from strategies import SearchSettings, search
from strategies.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
TRIALS = 6


class Watcher(threading.Thread):
    """Looks at the sockets that listen, and at the portal's data, while a search runs."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.over = port, threading.Event()
        self.listening: set[str] = set()
        self.seen: dict[str, dict] = {}

    def run(self) -> None:
        mine = psutil.Process()
        while not self.over.wait(0.3):
            for process in [mine, *mine.children(recursive=True)]:
                try:
                    found = process.net_connections(kind="inet")
                except psutil.Error:
                    continue
                self.listening |= {c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN}
            for what in ("trial-jobs", "metric-data"):
                try:
                    address = f"http://127.0.0.1:{self.port}/api/v1/nni/{what}"
                    with urllib.request.urlopen(address, timeout=5) as answer:
                        self.seen[what] = json.load(answer)
                except (OSError, ValueError):  # not up yet, or just going down
                    continue


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr("strategies.experiment.TRIAL_MODULE", "tests.integration.faulty_trial")
    patch.setenv("PYTHONPATH", str(ROOT))
    port = free_port()
    watcher = Watcher(port)
    watcher.start()
    folder = tmp_path_factory.mktemp("search") / "run"
    try:
        search(SearchSettings(trials=TRIALS, run_dir=str(folder), port=port, strategy="random", width=4))
    finally:
        watcher.over.set()
        patch.undo()
    watcher.join()
    lines = (folder / "candidates.jsonl").read_text().splitlines()
    return folder, {r["index"]: r for r in map(json.loads, lines)}, watcher


def test_each_candidate_is_recorded_once_and_failures_with_their_reason(outcome):
    _, records, _ = outcome
    assert sorted(records) == list(range(TRIALS))
    assert "RuntimeError: the roof fell in" in records[1]["error"]
    assert "killed" in records[2]["error"]
    assert "without a result" in records[3]["error"]
    assert [records[i]["status"] for i in (1, 2, 3)] == ["failed"] * 3
    assert [records[i]["accuracy"] for i in (0, 4, 5)] == [0.5, 0.54, 0.55]
    assert records[5]["history"] == pytest.approx([0.05, 0.15])


def test_only_loopback_listens(outcome):
    assert outcome[2].listening == {"127.0.0.1"}


def test_the_portal_shows_accuracy_macs_and_parameters(outcome):
    _, records, watcher = outcome
    finals = [json.loads(json.loads(m["data"])) for m in watcher.seen["metric-data"] if m["type"] == "FINAL"]
    assert {"default", "macs", "params"} <= set(finals[0])
    shown = json.loads(watcher.seen["trial-jobs"][0]["hyperParameters"][0])["parameters"]
    assert shown["genotype"] == records[0]["genotype"]


def test_nothing_of_it_lives_on(outcome):
    folder, _, _ = outcome
    time.sleep(0.5)
    alive = [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or ())]
    assert alive == []
    assert {path.name for path in folder.iterdir()} >= {"settings.json", "candidates.jsonl", "nni.json"}


def test_another_run_with_the_seed_proposes_the_same(outcome):
    from strategies.launch import make_proposer, make_subject

    _, records, _ = outcome
    settings = SearchSettings(trials=TRIALS, strategy="random", width=4)
    proposer = make_proposer(settings, make_subject(settings))
    assert [proposer.propose(i, []).to_json() for i in range(TRIALS)] == [
        records[i]["genotype"] for i in range(TRIALS)
    ]
