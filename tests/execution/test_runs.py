"""Runs listed, stopped and shown again."""

from __future__ import annotations

import dataclasses
import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import run_search
from analysis.run import read_run
from execution import runs
from execution.follow import Follower
from execution.portal import hub
from execution.settings import SearchSettings
from records.errors import UserError
from records.run_files.owner import Owner
from records.run_files.run_folder import RunFolder
from records.run_files.search_rows import write_rows
from records.run_files.settings_file import begun_searches
from tests.analysis.samples.runs import FIVE, make_run, measurement
from tests.execution.test_session import measured

HOLDER = """
import sys, time
from records.run_files.run_folder import RunFolder
with RunFolder.open(sys.argv[1]).lock():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held(tmp_path):
    """A run that another process is at work on."""
    run = RunFolder.create(tmp_path / "held", SearchSettings(trials=4).to_json())
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert process.stdout.readline() == "held\n"
    yield run, process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_damaged_run_does_not_hide_the_others(tmp_path):
    make_run(tmp_path / "good", FIVE, trials=5)
    for name, content in (("no\nobject", '{"settings": 5}'), ("short", '{"settings": {}}')):
        make_run(tmp_path / name, FIVE)
        (tmp_path / name / "settings.json").write_text(content)
    torn = make_run(tmp_path / "torn", FIVE, trials=5)
    (torn / "candidates.jsonl").write_text("{nonsense}\n")
    for name, content in (("cut", '{"settings": {"str'), ("empty", ""), ("list", "[]")):
        cut = make_run(tmp_path / name, FIVE)
        (cut / "settings.json").write_text(content)
    for name, content in (("deep", "[" * 100_000), ("foreign", '{"editor.fontSize": 12}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.json").write_text(content)
    found = runs.find_runs([tmp_path])
    assert {s.run.name: s.state for s in found} == {
        "good": "stopped", "no\nobject": "damaged", "short": "damaged", "torn": "damaged",
        "cut": "damaged", "empty": "damaged", "list": "damaged",
    }  # fmt: skip
    lines = runs.runs_table(found).splitlines()
    assert len(lines) == 8 + 6  # those below say what is wrong
    assert any("torn" in line and "candidates.jsonl, line 1, is damaged" in line for line in lines[8:])
    kinds = {s.run.name: (s.kind, s.done, s.total) for s in found}
    assert kinds["torn"] == ("random", 0, 5)
    assert kinds["cut"] == ("?", 5, 5)


def test_of_a_damaged_run_is_told_what_can_be_read(tmp_path):
    run = make_run(tmp_path / "run", FIVE, trials=7)
    good = runs.status_or_damaged(run)
    with (run / "candidates.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\x00garbage\n")
    found = runs.status_or_damaged(run)
    assert found.state == "damaged"
    assert (found.kind, found.done, found.total, found.best) == (good.kind, 5, 7, good.best)
    assert "candidates.jsonl, line 6, is damaged" in found.reason


def test_a_run_that_may_not_be_read_is_not_called_damaged(tmp_path):
    run = make_run(tmp_path / "run", FIVE, trials=5)
    (run / "candidates.jsonl").unlink()
    (
        run / "candidates.jsonl"
    ).mkdir()  # refused as it is to one without the right to read it, but to root, too
    found = runs.status_or_damaged(run)
    assert found.state == "unreadable"
    last = runs.runs_table([found]).splitlines()[-1]
    assert "run is unreadable: cannot read " in last
    assert "damaged" not in last
    assert "line" not in last


@pytest.mark.parametrize(
    "change",
    [{"accuracy": math.nan}, {"accuracy": 5}, {"accuracy": None}, {"index": "a"}, {"status": "fine"}, None],
)
def test_what_a_report_refuses_is_called_damaged(tmp_path, change):
    run = make_run(tmp_path / "run", FIVE, trials=5)
    path = run / "candidates.jsonl"
    lines = path.read_text().splitlines()
    changed = (
        lines[0] if change is None else json.dumps(json.loads(lines[0]) | change)
    )  # None: one stands there twice
    path.write_text("\n".join([*lines[1 if change else 0 :], changed]) + "\n")
    assert [s.state for s in runs.find_runs([tmp_path])] == ["damaged"]


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": None}, {"strategy": 5}, {"strategy": ["a"]}, {"kind": 5}, {"kind": None}, {"kind": ["hub"]},
        {"trials": math.inf}, {"trials": math.nan}, {"trials": 2.5}, {"trials": 10**400}, {"trials": "5"},
        {"trials": 0}, {"trials": True},
    ],
)  # fmt: skip
def test_settings_of_another_type_are_called_damaged(tmp_path, change):
    make_run(tmp_path / "run", FIVE, trials=5)
    RunFolder(tmp_path / "run").write(
        "settings.json", {"settings": {"strategy": "random", "trials": 5} | change}
    )
    make_run(tmp_path / "good", FIVE, trials=5)
    found = runs.find_runs([tmp_path])
    assert {s.run.name: s.state for s in found} == {"good": "stopped", "run": "damaged"}
    assert "damaged" in runs.runs_table(found)


def test_an_address_that_is_no_text_is_none(tmp_path, held):
    run, process = held
    for address in (5, None, ["a"]):
        run.write("nni.json", {"experiment": "x1", "process": process.pid, "address": address})
        assert runs.status(run).portal is None
        assert "held" in runs.runs_table(runs.find_runs([run.path]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("supernet.jsonl", '{"seconds": 1.0}\n0\n'),
        ("judged.jsonl", "garbage\n"),
        ("chosen.json", "[1"),
        ("oneshot.jsonl", "0\n"),
        ("scored.jsonl", "{}\n"),
    ],
)
def test_a_damaged_file_of_a_strategy_is_called_so_as_a_report_does(tmp_path, name, content):
    run = make_run(tmp_path / "run", FIVE, trials=5)
    (run / name).write_text(content)
    found = runs.status_or_damaged(run)
    assert found.state == "damaged"
    assert name in found.reason
    with pytest.raises(UserError, match=name):
        read_run(run)


@pytest.mark.parametrize("left", ["confirmed.jsonl", "outcome.json"])
def test_candidates_that_are_gone_are_told_with_what_measures_them_again(tmp_path, left):
    run = make_run(tmp_path / "run", FIVE, trials=5)
    content = (run / "candidates.jsonl").read_text()
    (run / "candidates.jsonl").unlink()
    assert runs.status_or_damaged(run).state == "stopped"  # as before the first one
    (run / left).write_text(content if left == "confirmed.jsonl" else '{"candidates": 5}')
    found = runs.status_or_damaged(run)
    assert found.state == "damaged"
    assert "candidates.jsonl is gone; `run_search.py resume" in found.reason
    (run / "candidates.jsonl").write_text("")
    assert "candidates.jsonl is empty; `run_search.py resume" in runs.status_or_damaged(run).reason
    (run / "outcome.json").write_text('{"candidates": 0}')  # of a search that measured none
    (run / "confirmed.jsonl").unlink(missing_ok=True)
    assert runs.status_or_damaged(run).state == "finished"


def test_a_run_to_which_links_lead_is_listed_once_by_its_own_name(tmp_path):
    run = make_run(tmp_path / "run", FIVE, trials=5)
    (tmp_path / "a link").symlink_to(run)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link").symlink_to(run)
    assert [s.run for s in runs.find_runs([tmp_path])] == [run]
    assert [s.run for s in runs.find_runs([elsewhere, elsewhere])] == [elsewhere / "link"]


def test_an_emptied_outcome_is_called_damaged(tmp_path):
    (make_run(tmp_path / "run", FIVE, trials=5) / "outcome.json").write_text("")
    assert [s.state for s in runs.find_runs([tmp_path])] == ["damaged"]


def test_the_states_of_a_run(tmp_path, held):
    run, process = held
    run.append(measured(0, 0.5))
    stopped = RunFolder.create(tmp_path / "stopped", SearchSettings(trials=2).to_json())
    finished = RunFolder.create(tmp_path / "finished", SearchSettings(trials=2).to_json())
    (finished.path / "outcome.json").write_text("{}")
    hub = RunFolder.create(tmp_path / "hub", {"kind": "sweep", "searches": 1, "shared": {}})
    write_rows(hub.path, [("a", {}), ("b", {})])
    row = RunFolder.create(hub.path / "searches" / "a", SearchSettings(strategy="darts").to_json())
    (row.path / "outcome.json").write_text("{}")
    training = tmp_path / "training"
    training.mkdir()
    (training / "settings.json").write_text(json.dumps({"settings": {}, "genotype": "x"}))
    found = {status.run.name: status for status in runs.find_runs([tmp_path])}
    assert set(found) == {"held", "stopped", "finished", "hub", "a"}
    assert (found["held"].state, found["held"].process.pid) == ("running", process.pid)
    assert (found["held"].done, found["held"].total, found["held"].best) == (1, 4, 0.5)
    assert found["stopped"].state == "stopped"
    assert found["finished"].state == "finished"
    assert (found["hub"].kind, found["hub"].state, found["hub"].done) == ("sweep", "stopped", 1)
    assert found["a"].kind == "darts"
    lines = runs.runs_table(list(found.values())).splitlines()
    assert len(lines) == 6
    assert stopped.path.name in "".join(lines)


@pytest.mark.parametrize(
    ("status", "left", "state"),
    [
        ("rejected", 0, "finished"),
        ("failed", 0, "finished"),
        ("rejected", 1, "stopped"),
        ("partial", 0, "stopped"),
    ],
)
def test_a_run_at_its_end_with_nothing_judged_has_nothing_left_to_resume(tmp_path, status, left, state):
    without = [measurement(index, None, 10, status=status) for index in range(2)]
    make_run(tmp_path / "run", without, trials=2 + left)
    assert [s.state for s in runs.find_runs([tmp_path])] == [state]


def test_a_damaged_run_and_foreign_settings_do_not_hide_the_others(tmp_path):
    RunFolder.create(tmp_path / "good", SearchSettings(trials=2).to_json())
    RunFolder.create(tmp_path / "bad", SearchSettings(trials=2).to_json())
    (tmp_path / "bad" / "candidates.jsonl").write_text("{nonsense}\n")
    hub = RunFolder.create(tmp_path / "hub", {"kind": "hub", "searches": 1, "shared": {}})
    (hub.path / "rows.jsonl").write_text("[]\n")
    RunFolder.create(tmp_path / "none", SearchSettings().to_json() | {"trials": None})
    for name, text in (("editor", '{"editor.tabSize": 4}'), ("list", "[]"), ("text", '"settings"')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.json").write_text(text)
    (tmp_path / "good" / "nni.json").write_text("{")
    states = {status.run.name: status.state for status in runs.find_runs([tmp_path])}
    assert states == {"good": "stopped", "bad": "damaged", "hub": "damaged", "none": "damaged"}


def test_more_candidates_than_asked_for_at_first_are_not_more_than_all(tmp_path):
    run = RunFolder.create(tmp_path / "run", SearchSettings(trials=1).to_json())
    for index in range(3):
        run.append(measured(index, 0.5))
    assert (runs.status(run).done, runs.status(run).total) == (3, 3)


def test_two_processes_do_not_work_on_one_run(held):
    run, process = held
    with pytest.raises(UserError, match=f"process {process.pid} on .* is at work on"), run.lock():
        pass
    with pytest.raises(UserError, match="is at work .*; its portal"):
        runs.view(run, 0, None)


def test_stop_ends_it_in_order(held):
    run, process = held
    assert runs.stop(run) == ["run"]
    assert process.wait(10) == -signal.SIGTERM
    assert run.owner() is None
    assert runs.stop(run) == []
    with run.lock():
        assert run.owner().pid == os.getpid()


def test_a_report_of_a_stopped_run_does_not_make_it_finished(tmp_path):
    from analysis import report

    run = make_run(tmp_path / "run", FIVE[:2], **SearchSettings(trials=4).to_json())
    report([run], out=run)
    assert runs.status(RunFolder.open(run)).state == "stopped"
    assert Follower(run).outcome() is None  # a sweep's row, which goes on when it is resumed


@pytest.mark.parametrize(("finished", "told"), [(False, "goes on"), (True, "was stopped, finished")])
def test_what_stop_says(held, capsys, finished, told):
    run, process = held
    if finished:
        (run.path / "outcome.json").write_text("{}")
    assert run_search.main(["stop", str(run.path)]) == 0
    said = capsys.readouterr().out
    assert told in said
    assert ("resume" in said) != finished
    process.wait(10)
    assert run_search.main(["stop", str(run.path)]) == 0
    assert "was not running" in capsys.readouterr().out


def test_a_hub_ends_its_searches_here_and_none_elsewhere(tmp_path, held, monkeypatch):
    monkeypatch.setattr("execution.portal.hub.PATIENCE_SECONDS", 0.0)
    run, process = held
    elsewhere = RunFolder.create(tmp_path / "elsewhere", SearchSettings().to_json())
    elsewhere.write("nni.json", {"experiment": "x1"})
    there = dataclasses.replace(Owner.me(), boot="another")
    (elsewhere.path / ".lock").write_text(str(there.pid))
    (elsewhere.path / ".owner").write_text(json.dumps(there.to_json()))
    monkeypatch.setattr("execution.portal.hub._searches", lambda _: [elsewhere, run])
    monkeypatch.setattr("execution.ending.kill_orphans", lambda *_: pytest.fail("of another machine's run"))
    hub._end_searches(run)
    assert process.wait(10) == -signal.SIGKILL
    assert elsewhere.owner() == there


def test_a_killed_process_frees_its_run(held):
    run, process = held
    process.kill()
    process.wait()
    with run.lock():
        time.sleep(0)


def test_a_run_that_was_never_in_the_portal_cannot_be_shown(tmp_path):
    run = RunFolder.create(tmp_path / "run", SearchSettings().to_json())
    with pytest.raises(UserError, match="never in the portal"):
        runs.view(run, 0, None)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere is no folder"):
        runs.find_runs([tmp_path / "nowhere"])


@pytest.fixture
def closed(monkeypatch):
    """Makes folders such as this user may not look into, who may be root."""
    names = set()

    def refusing(method):
        real = getattr(Path, method)

        def call(self, *args, **kwargs):
            if any(name in self.parts for name in names):
                raise PermissionError(errno.EACCES, "Permission denied", str(self))
            return real(self, *args, **kwargs)

        return call

    for method in ("is_file", "iterdir", "read_bytes"):
        monkeypatch.setattr(Path, method, refusing(method))
    return names


def test_a_folder_that_may_not_be_looked_into_does_not_hide_the_others(tmp_path, closed):
    run = RunFolder.create(tmp_path / "one", SearchSettings().to_json())
    for folder in (tmp_path / "lost+found", run.path / "nni-private"):
        folder.mkdir()
        closed.add(folder.name)
    found = {status.run.name: status.state for status in runs.find_runs([tmp_path])}
    assert found == {"lost+found": "unreadable", "one": "stopped"}
    assert [status.run.name for status in runs.find_runs([run.path])] == ["one"]
    with pytest.raises(UserError, match=r"cannot read .*lost\+found: Permission denied"):
        runs.find_runs([tmp_path / "lost+found"])


def test_a_search_that_cannot_be_read_is_not_left_out(tmp_path, closed):
    for name in ("seed-0", "seed-1"):
        RunFolder.create(tmp_path / "searches" / name, SearchSettings().to_json())
    (tmp_path / "searches" / "seed-2").mkdir()  # not begun
    assert [path.name for path in begun_searches(tmp_path)] == ["seed-0", "seed-1"]
    closed.add("seed-1")
    with pytest.raises(UserError, match="cannot read .*seed-1: Permission denied"):
        begun_searches(tmp_path)


def test_a_run_whose_path_is_no_text_is_told_so_and_called_whole(tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9"))
    make_run(tmp_path / "run", FIVE, trials=5).rename(odd)
    make_run(tmp_path / "other", FIVE, trials=5)
    states = {s.run.name: (s.state, s.reason) for s in runs.find_runs([tmp_path])}
    assert states["other"][0] == "stopped"
    assert states[odd.name] == ("unreadable", "its path is no UTF-8 text; rename it")
    assert "no UTF-8 text" in runs.runs_table(runs.find_runs([tmp_path]))


def test_a_run_that_may_not_be_entered_does_not_hide_the_others(tmp_path, closed):
    for name in ("one", "two"):
        make_run(tmp_path / name, FIVE, trials=5)
    closed.add("searches")  # nor what would be within it
    assert [s.run.name for s in runs.find_runs([tmp_path])] == ["one", "two"]
