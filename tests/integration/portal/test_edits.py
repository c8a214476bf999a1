"""What a person changes in the portal of a running search: each edit works, or is refused where it is made."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.browser import Overview, TrialsPage, page
from tests.integration.programs import QUICK_TRIALS, address, belonging, records, start, wait_for

OPTIONS = ("--strategy", "random", "--width", "4", "--cells", "2", "--port", "0")
pytestmark = pytest.mark.timeout(900)  # each starts several searches


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run folder, for trials of two seconds; what a failing test leaves running in it is ended."""
    monkeypatch.setenv("TRIAL_SECONDS", "2")
    yield tmp_path / "run"
    for process in belonging(tmp_path / "run"):
        process.kill()


def refused(portal: str, path: str, body: dict, method: str = "POST") -> str:
    """What the server says to a request that it refuses."""
    request = urllib.request.Request(
        f"{portal}/api/v1/nni/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
    )  # fmt: skip
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    return json.loads(error.value.read())["error"]


def test_fewer_trials_end_the_search_with_a_front_and_resume_goes_on(folder, tmp_path):
    log = tmp_path / "log"
    search = start(
        log,
        "search",
        *OPTIONS,
        "--trials",
        "60",
        "--concurrency",
        "1",
        "--run-dir",
        str(folder),
        program=QUICK_TRIALS,
    )
    portal = address(log)
    wait_for(lambda: records(folder))
    assert "proposes its candidates by itself" in refused(portal, "trial-jobs", {"genotype": "x"})
    profile = json.load(urllib.request.urlopen(f"{portal}/api/v1/nni/experiment"))
    for kind, field, value in (
        ("MAX_TRIAL_NUM", "maxTrialNumber", 0),
        ("TRIAL_CONCURRENCY", "trialConcurrency", "many"),
        ("MAX_EXEC_DURATION", "maxExperimentDuration", "soon"),
    ):
        profile["params"][field] = value
        assert f"{field} is {json.dumps(value)}; accepted:" in refused(
            portal, f"experiment?update_type={kind}", profile, "PUT"
        )
    with page() as shown:
        overview = Overview(shown, portal)
        assert "Successfully updated" in overview.edit("maxTrialNumber", 10)
        assert "Successfully updated" in overview.edit("trialConcurrency", 3)
        trials = TrialsPage(shown, portal)
        assert not trials.row(0).locator("[title='Customized trial']").is_visible()
    assert search.wait(300) == 0, log.read_text()
    said = log.read_text()
    assert "Ended with 10 of 60 candidates: Max trial No. was set to 10 in the portal" in said
    assert (folder / "front.csv").is_file()
    before = records(folder)
    assert sorted(record["index"] for record in before) == list(range(10))
    # Three at the same time, from some candidate on: it saw fewer results than one at a time would have shown it.
    assert any(record["seen"] < record["index"] for record in before)

    resumed = start(log, "resume", str(folder), "--port", "0", "--trials", "11", program=QUICK_TRIALS)
    assert resumed.wait(300) == 0, log.read_text()
    after = records(folder)
    assert after[:10] == before
    assert sorted(record["index"] for record in after) == list(range(11))


def test_a_cancelled_trial_is_called_so_everywhere_and_a_duration_that_is_over_ends_the_search(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("TRIAL_SECONDS", "4")
    log = tmp_path / "log"
    search = start(log, "search", *OPTIONS, "--trials", "60", "--run-dir", str(folder), program=QUICK_TRIALS)
    portal = address(log)

    def running() -> list[str]:
        jobs = json.load(urllib.request.urlopen(f"{portal}/api/v1/nni/trial-jobs"))
        return [job["trialJobId"] for job in jobs if job["status"] == "RUNNING"]

    wait_for(running)
    (trial, *_) = running()
    urllib.request.urlopen(urllib.request.Request(f"{portal}/api/v1/nni/trial-jobs/{trial}", method="DELETE"))
    wait_for(lambda: {"cancelled", "ok"} <= {record["status"] for record in records(folder)})
    profile = json.load(urllib.request.urlopen(f"{portal}/api/v1/nni/experiment"))
    profile["params"]["maxExperimentDuration"] = f"{profile['execDuration'] + 3}s"
    body = json.dumps(profile).encode()
    urllib.request.urlopen(
        urllib.request.Request(
            f"{portal}/api/v1/nni/experiment?update_type=MAX_EXEC_DURATION", body, {"Content-Type": "application/json"},
            method="PUT",
        )
    )  # fmt: skip
    assert search.wait(300) == 0, log.read_text()
    said = log.read_text()
    assert f"Max duration was set to {profile['params']['maxExperimentDuration']} in the portal" in said
    assert 2 <= len(records(folder)) < 60
    cancelled = [record for record in records(folder) if record["status"] != "ok"]
    assert [(record["status"], record["error"]) for record in cancelled] == [
        ("cancelled", "by the portal's user")
    ]
    assert re.search(r"candidate \d: cancelled, ", said)
    assert "failed" not in said
    assert json.loads((folder / "outcome.json").read_text())["cancelled"] == 1
    assert "Traceback" not in (folder / "report.html").read_text()


def test_resume_survives_another_name_and_what_stands_in_nnis_database(folder, tmp_path, monkeypatch):
    """The former place is gone, and so is the code that trials began in."""
    monkeypatch.setenv("HOME", "/proc/nowhere")  # nor is anything written there
    log, moved, torn = tmp_path / "log", tmp_path / "run, that was renamed", tmp_path / "run-torn"
    search = start(log, "search", *OPTIONS, "--trials", "4", "--run-dir", str(folder), program=QUICK_TRIALS)
    wait_for(lambda: records(folder))
    search.terminate()
    search.wait(60)
    before = records(folder)
    shutil.copytree(folder, torn)
    folder.rename(moved)
    database = database_of(torn)
    database.write_bytes(database.read_bytes()[:5000])
    record = json.dumps(
        {"parameter_id": None, "parameter_source": "customized", "parameters": {"genotype": {}}}
    )
    with closing(sqlite3.connect(database_of(moved))) as connection, connection:
        for event in ("WAITING", "SUCCEEDED"):
            row = (1, "own", event, record, "", 90, None, "local-env")
            connection.execute("insert into TrialJobEvent values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    for run in (moved, torn):
        resumed = start(log, "resume", str(run), "--port", "0", program=QUICK_TRIALS)
        assert resumed.wait(300) == 0, log.read_text()
        assert ("begins anew" in log.read_text()) == (run == torn)
        assert records(run)[: len(before)] == before
        assert sorted(record["index"] for record in records(run)) == list(range(4))
        assert belonging(run) == []
    assert not folder.exists()


def database_of(run: Path) -> Path:
    (path,) = run.glob("nni/[!_]*/db/nni.sqlite")
    return path
