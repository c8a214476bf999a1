"""The data of the pages New search and Searches."""

from __future__ import annotations

import dataclasses
import json
import threading

import pytest

from execution import runs
from execution.launching import launches, searches_page
from execution.launching.new_search_page import new_search_page
from execution.pages.contract import Place
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.confirming import Confirming
from records.run_files.run_folder import CONFIRMED, RunFolder
from records.run_files.search_rows import write_rows

NASTY = "<img src=x onerror=alert(1)>"
SETTINGS = {
    "strategy": "random",
    "trials": 4,
    "space": "darts-global",
    "dataset": "digits",
    "width": 4,
    "seed": 2,
}


def measured(index, accuracy=0.5, macs=1000, status="ok"):
    return Measurement(index, {}, status, accuracy, macs, macs, 10, 1.0, 0, time="2026-01-01T00:00:00+00:00")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A portal's run, beside one that was stopped, a damaged one, and a hub."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    base = tmp_path / "runs"
    own = RunFolder.create(base / "own", SETTINGS)
    for index in range(2):
        own.append(measured(index, 0.5 + 0.1 * index))
    RunFolder.create(base / NASTY, SETTINGS | {"strategy": "evolution"})
    damaged = RunFolder.create(base / "torn", SETTINGS)
    (damaged.path / "candidates.jsonl").write_text("no JSON\n{}\n")
    hub = RunFolder.create(base / "hub", {"kind": "hub", "searches": 1, "shared": {"data_dir": "/data"}})
    write_rows(
        hub.path, [("first", {"strategy": "random", "width": "8", "trials": "3", "setting": "default"})]
    )
    return Place(own.path)


@pytest.fixture
def page():
    return searches_page.searches_page(
        lambda: "tests.execution.launching.quick_program",
        lambda paths: {"runs": [path.name for path in paths]},
    )


def table(page, place):
    return {row["key"]: row for row in page.gets["searches"](place, {})["rows"]}


def test_every_run_beside_the_portals_own_is_told(page, place):
    rows = table(page, place)
    assert rows.keys() == {"own", NASTY, "torn", "hub"}
    assert json.loads(json.dumps(rows)) == rows
    own = rows["own"]
    assert (own["state"], own["done"], own["total"], own["best"]) == (runs.STOPPED, 2, 4, 0.6)
    assert own["can"] == {"stop": False, "resume": True, "compare": True, "look": True}
    assert rows["torn"]["state"] == runs.DAMAGED
    assert rows["torn"]["can"] == {"stop": False, "resume": False, "compare": False, "look": True}
    assert rows["hub"]["can"] == {"stop": False, "resume": True, "compare": False, "look": False}


def test_what_has_not_changed_is_not_read_again(page, place, monkeypatch):
    before = table(page, place)
    looked = []
    original = runs.status_or_damaged
    monkeypatch.setattr(runs, "status_or_damaged", lambda path: looked.append(path.name) or original(path))
    assert table(page, place) == before
    assert looked == []
    RunFolder(place.run).append(measured(2, 0.9))
    assert table(page, place)["own"]["best"] == 0.9
    assert looked == ["own"]


def test_one_at_work_can_be_stopped_and_not_resumed(page, place):
    with RunFolder(place.run).lock():
        row = table(page, place)["own"]
        assert row["state"] == runs.RUNNING
        assert row["can"] == {"stop": True, "resume": False, "compare": True, "look": True}
        assert row["seconds_left"] is None  # none was measured since it began
        with pytest.raises(UserError, match="own is at work already"):
            page.posts["resume"](place, {"run": "own"})


def test_one_whose_front_is_confirmed_says_how_far_that_is_while_it_is_at_work(page, place):
    run = RunFolder(place.run)
    Confirming(trainings=4, candidates=(0, 1), epochs=6, others=0).write(run.path)
    run.append(dataclasses.replace(measured(0), seed=1), CONFIRMED)
    assert table(page, place)["own"]["work"] is None
    with run.lock():
        assert table(page, place)["own"]["work"].startswith("Confirming: 1 of 4 trainings")


def test_a_launch_stands_among_the_runs(page, place):
    with RunFolder(place.run).lock():
        made = launches.start(
            ["search", f"--run-dir={place.base / 'next'}"], "tests.execution.launching.quick_program",
            place.base / "next", place.run, resumes=False,
        )  # fmt: skip
        row = table(page, place)["next"]
        assert (row["state"], row["where"], row["launch"]) == ("waiting", "for the end of own", made.name)
        assert row["can"]["stop"]
        said = page.posts["stop"](place, {"run": "next", "launch": made.name})
        assert said == {"said": "next: taken back"}
        assert "next" not in table(page, place)


@pytest.mark.parametrize(
    "run", ["../outside", "/etc", "..", "hub/../own", "hub/searches/none", "", None, 3, "own\0"]
)
@pytest.mark.parametrize("what", ["stop", "resume"])
def test_a_run_outside_of_the_runs_folder_is_refused(page, place, run, what, tmp_path):
    RunFolder.create(tmp_path / "outside", SETTINGS)
    with pytest.raises(UserError, match="run"):
        page.posts[what](place, {"run": run})


def test_a_run_outside_is_neither_compared_nor_taken_as_a_pattern(page, place, tmp_path):
    RunFolder.create(tmp_path / "outside", SETTINGS)
    with pytest.raises(UserError, match="accepted: a run folder in"):
        page.gets["comparison"](place, {"run": ["own", "../outside"]})
    new = new_search_page(lambda: "none")
    with pytest.raises(UserError, match="accepted: a run folder in"):
        new.gets["prefill"](place, {"run": "../outside"})
    assert page.gets["comparison"](place, {"run": ["own", NASTY]}) == {"runs": ["own", NASTY]}
    with pytest.raises(UserError, match="no run is ticked"):
        page.gets["comparison"](place, {})


def test_the_portals_own_run_is_stopped_after_the_answer(page, place, monkeypatch):
    stopped = threading.Event()
    monkeypatch.setattr(searches_page, "_OWN_STOP_SECONDS", 0.01)
    monkeypatch.setattr(runs, "stop", lambda run: stopped.set() if run.path == place.run else None)
    assert page.posts["stop"](place, {"run": "own"}) == {
        "said": "own is being stopped, and this portal ends with it"
    }
    assert stopped.wait(10)


def test_one_that_does_not_run_is_said_not_to(page, place):
    assert page.posts["stop"](place, {"run": NASTY})["said"].endswith(f"{NASTY} was not running")


def test_a_form_is_filled_from_a_run_a_candidate_and_a_hub(place):
    prefill = new_search_page(lambda: "none").gets["prefill"]
    texts = {
        "strategy": "random", "trials": "4", "space": "darts-global", "dataset": "digits", "width": "4", "seed": "2",
    }  # fmt: skip
    assert prefill(place, {"run": "own"}) == {"texts": texts, "note": "As own"}
    around = prefill(place, {"run": "own", "candidate": "1"})
    assert around["texts"] == texts | {"max_macs": "1100", "start_from": str(place.run)}
    assert around["note"].endswith("begun from all that it measured")
    with pytest.raises(UserError, match="candidate is '7'; accepted: an index"):
        prefill(place, {"run": "own", "candidate": "7"})
    hub = prefill(place, {"run": "hub"})
    assert hub["texts"] == {"strategy": "random", "width": "8", "trials": "3", "data_dir": "/data"}


def test_what_is_wrong_is_told_and_nothing_is_launched(place, monkeypatch):
    page = new_search_page(lambda: "none")
    assert page.posts["check"](place, {"texts": {"width": "0"}})["errors"].keys() == {"width"}
    assert page.posts["launch"](place, {"texts": {"width": "0"}})["errors"].keys() == {"width"}
    assert launches.launches(place.base) == []
    for texts in (None, [], "width"):
        with pytest.raises(UserError, match="accepted: an object of texts"):
            page.posts["launch"](place, {"texts": texts})
