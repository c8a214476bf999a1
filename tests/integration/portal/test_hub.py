"""Searches launched, watched and steered in the portal, in a real browser."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.integration.browser import TrialsPage, page
from tests.integration.programs import address, belonging, start, wait_for

SMALL = ("--threads", "1", "--port", "0")


def records(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]


def best(run: Path) -> float:
    return max(record["accuracy"] for record in records(run))


def ask(portal: str, what: str) -> str:
    base, _, token = portal.partition("/?token=")
    request = urllib.request.Request(
        f"{base}/api/v1/nni/{what}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


@pytest.fixture
def folder(tmp_path):
    """A run folder; what a failing test leaves running in it is ended."""
    yield tmp_path / "run"
    for process in belonging(tmp_path / "run"):
        process.kill()


@pytest.mark.timeout(900)
def test_a_hub(folder, tmp_path):
    log = tmp_path / "log"
    # Behind the token, as whoever uses it from another machine.
    hub = start(log, "hub", *SMALL, "--host", "127.0.0.1", "--run-dir", str(folder))
    portal = address(log)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(portal.split("?")[0], timeout=20)
    with page() as tab:
        trials = TrialsPage(tab, portal)
        trials.wait_for(0, "SUCCEEDED")
        first = folder / "searches" / "first"
        assert trials.metric(0) == pytest.approx(best(first), abs=1e-5)

        # A copy with another value is a search of its own, with an experiment of its own.
        said = trials.submit_copy(0, seed="1", trials="3", concurrency="1")
        assert "Submit successfully" in said
        assert "Trial No.1" in said
        trials.wait_for(1, "RUNNING")
        wait_for(lambda: len(list((folder / "searches").glob("submitted-*/candidates.jsonl"))) == 1)
        (copy,) = (path.parent for path in (folder / "searches").glob("submitted-*/candidates.jsonl"))
        own = TrialsPage(tab, json.loads((copy / "nni.json").read_text())["address"])
        own.wait_for(0, "SUCCEEDED")
        assert own.metric(0) == pytest.approx(records(copy)[0]["accuracy"], abs=1e-5)

        trials = TrialsPage(tab, portal)
        trials.wait_for(1, "SUCCEEDED")
        assert trials.metric(1) == pytest.approx(best(copy), abs=1e-5)
        assert len(records(copy)) == 3
        assert json.loads((copy / "settings.json").read_text())["settings"]["seed"] == 1

        # A wrong value is a failed row whose log says in one line what was wrong.
        trials.submit_copy(0, width="-3")
        trials.wait_for(2, "FAILED")
    failed = json.loads(ask(portal, "trial-jobs"))[2]["trialJobId"]
    said = ask(portal, f"trial-file/{failed}/trial.stderr")
    assert said == "error: width is -3; accepted: a whole number, 1 or more\n"
    wait_for(lambda: "-2: failed (width is -3; accepted: a whole number, 1 or more)" in log.read_text(), 120)
    assert "[1/1] search first: ok, accuracy " in log.read_text()

    stop = start(tmp_path / "stop", "stop", str(folder))
    assert stop.wait(120) == 0, (tmp_path / "stop").read_text()
    assert hub.wait(10) == 130
    assert f"`run_search.py resume {folder}` goes on" in log.read_text()
    assert belonging(folder) == []
    before = {path: path.read_text() for path in folder.glob("searches/*/candidates.jsonl")}
    assert len(before) == 2

    # Taken up again it shows what ended, without running it again.
    hub = start(log, "resume", str(folder), "--port", "0")
    portal = address(log)
    wait_for(lambda: [j["status"] for j in json.loads(ask(portal, "trial-jobs"))].count("SUCCEEDED") == 2)
    hub.terminate()
    assert hub.wait(120) == 130, log.read_text()
    assert {path: path.read_text() for path in folder.glob("searches/*/candidates.jsonl")} == before
    assert belonging(folder) == []


@pytest.mark.timeout(600)
def test_a_sweep_ends_in_one_front(folder, tmp_path, monkeypatch):
    # The user's proxy is not asked for what is on this machine.
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    options = ("--strategy", "random", "--trials", "1", "--epochs", "1", "--width", "4", "--cells", "2")
    log = tmp_path / "log"
    sweep = start(log, "sweep", *SMALL, *options, "--seeds", "0,1", "--run-dir", str(folder))
    assert sweep.wait(400) == 0, log.read_text()
    lines = [line for line in log.read_text().splitlines() if line.startswith("[")]
    assert sorted(line.split("] ")[0] for line in lines) == ["[1/2", "[2/2"]
    assert {line.split(": ok, accuracy ")[0].split("] ")[1] for line in lines} == {
        "search seed-0",
        "search seed-1",
    }
    assert all(re.search(r"% *, .* MACs, .* params, hypervolume .*%, [\d.]+ s$", line) for line in lines)
    names = {path.parent.name for path in folder.glob("searches/*/outcome.json")}
    assert names == {"seed-0", "seed-1"}
    assert (folder / "comparison.png").is_file()
    assert {line.split(",")[1] for line in (folder / "comparison.csv").read_text().splitlines()[1:]} <= names
    assert belonging(folder) == []
