"""A real NNI experiment: trials that crash, are killed or stay silent, and the portal beside them."""

from __future__ import annotations

import getpass
import json
import re
import socket
import threading
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

import pde_nas
from analysis import front
from execution.portal.ports import free_port
from execution.runs import find_runs
from execution.settings import SearchSettings
from records.measurement import Measurement
from search_space import Genotype
from tests.integration.programs import listens_at

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
                self.listening |= set(listens_at(process))
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
    patch.setattr("execution.nni_bridge.experiment.TRIAL_MODULE", "tests.integration.faulty_trial")
    patch.setenv("PYTHONPATH", str(ROOT))
    port = free_port()
    watcher = Watcher(port)
    watcher.start()
    folder = tmp_path_factory.mktemp("search") / "run"
    returned: list[pde_nas.Outcome] = []
    try:
        settings = SearchSettings(
            trials=TRIALS, run_dir=str(folder), port=port, strategy="random", width=4, confirm=0
        )
        returned.append(pde_nas.search(settings))
    finally:
        watcher.over.set()
        patch.undo()
    watcher.join()
    lines = (folder / "candidates.jsonl").read_text().splitlines()
    return folder, {r["index"]: r for r in map(json.loads, lines)}, watcher, returned[0]


def test_each_candidate_is_recorded_once_and_failures_with_their_reason(outcome):
    _, records, *_ = outcome
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
    _, records, watcher, _ = outcome
    finals = [json.loads(json.loads(m["data"])) for m in watcher.seen["metric-data"] if m["type"] == "FINAL"]
    assert {"default", "macs", "params"} <= set(finals[0])
    shown = json.loads(watcher.seen["trial-jobs"][0]["hyperParameters"][0])["parameters"]
    assert shown["genotype"] == records[0]["genotype"]


def test_nothing_of_it_lives_on(outcome):
    folder, *_ = outcome
    time.sleep(0.5)
    alive = [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or ())]
    assert alive == []
    assert {path.name for path in folder.iterdir()} >= {"settings.json", "candidates.jsonl", "nni.json"}


def test_another_run_with_the_seed_proposes_the_same(outcome):
    from execution.session import session_of

    _, records, *_ = outcome
    settings = SearchSettings(trials=TRIALS, strategy="random", width=4)
    proposer = session_of(settings).strategy
    assert [proposer.propose(i, []).to_json() for i in range(TRIALS)] == [
        records[i]["genotype"] for i in range(TRIALS)
    ]


def test_from_python_it_leaves_and_returns_what_the_command_does(outcome):
    folder, records, _, returned = outcome
    assert {path.name for path in folder.iterdir()} >= {"front.csv", "front.png", "best.json", "report.html"}
    measurements = [Measurement.from_json(record) for record in records.values()]
    assert list(returned.front) == front(measurements)
    assert returned.best.accuracy == max(m.accuracy for m in returned.front)
    assert returned.genotype == Genotype.load(folder / "best.json")
    assert returned.folder == folder
    assert json.loads((folder / "outcome.json").read_text())["hypervolume"] == returned.hypervolume
    assert "Best: candidate" in returned.table
    (status,) = find_runs([folder])
    assert (status.state, status.done) == ("finished", TRIALS)


def test_what_a_user_would_mail_names_no_place_and_nobody(outcome):
    folder, records, *_ = outcome
    assert 'File "' in records[1]["error"]  # the stack trace of the trial that fell
    names = ("report.html", "front.csv", "outcome.json", "candidates.jsonl", "settings.json", "best.json")
    for name in names:
        text = re.sub(r"base64,[^\"]*", "", (folder / name).read_text())
        text = re.sub(r":root(?=\s*\{)", "", text)  # a page's styles; it is also a user's name
        for word in (str(folder), str(folder.parent), str(Path.home()), str(ROOT), "site-packages"):
            assert word not in text, (name, word)
        for word in (getpass.getuser(), socket.gethostname()):
            assert not re.search(rf"\b{re.escape(word)}\b", text), (name, word)
