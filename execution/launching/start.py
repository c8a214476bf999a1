"""A new search begun from a page: as a row of the hub whose portal it is, elsewhere as a process of its own."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from execution.follow import own_portal
from execution.launching import launches
from execution.launching.check import check
from execution.nni_bridge.database import database_of, submitted_trials
from execution.portal.hub_rows import SHARED, row_of
from execution.portal.rows import row_options, submitted_name, waiting
from execution.settings import PLACES, SearchSettings
from execution.viewing import view_of
from records.errors import UserError
from records.run_files.run_folder import NNI, RunFolder
from records.run_files.search_rows import Row, read_rows, taken_back
from records.run_files.search_rows import take_back as note_taken_back
from records.run_files.settings_file import HUB, SETTINGS
from records.text import stem_of
from training.data.datasets import is_array_file

_ANSWER_SECONDS = 30.0
_PLACE_SECONDS, _POLL_SECONDS = 5.0, 0.5  # in which NNI's server gives a search a free place
_DIRECT = urllib.request.build_opener(
    urllib.request.ProxyHandler({})
)  # what is on this machine needs no proxy


class Refused(UserError):
    """The texts are wrong: ``errors`` says a line by field.

    Examples:
        >>> Refused({"width": "width is 0"}).errors
        {'width': 'width is 0'}
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(next(iter(errors.values())))
        self.errors = dict(errors)


def launch(
    here: Path, base: Path, texts: Mapping[str, Any], program: str, *, waits: bool
) -> tuple[Path, str]:
    """Begins the search that ``texts`` describe: its run folder, which it will make (the hub's, where it waits and has
    no name yet), and what is to be said.

    ``here`` is the run whose portal asks. A hub at work gets a row; elsewhere the search is a process of its own of
    ``program``, with a run folder in ``base``, at once or, if it ``waits``, when the run of ``here`` has ended. Raises
    `Refused` for what `check` finds wrong, `UserError` where it cannot be begun.
    """
    found = check(texts)
    if found.errors or found.settings is None:
        raise Refused(found.errors)
    settings = found.settings.located()
    if is_hub_at_work(here):
        return _submit(here, settings)
    folder = new_run_folder(base, settings)
    host = host_of(here)
    words = ["search", f"--run-dir={folder}", "--port=0", *([f"--host={host}"] if host else [])]
    busy = RunFolder(here).owner() is not None
    after = here if waits and busy else None
    launches.start([*words, *_options(settings)], program, folder, after, resumes=False)
    if after is not None:
        return folder, f"{folder.name} waits until {here.name} has ended"
    beside = f" beside {here.name}, which slows both" if busy else ""
    return folder, f"{folder.name} starts at once{beside}"


def go_on(here: Path, run: RunFolder, program: str) -> str:
    """Resumes a run as a process of its own; what is to be said. Raises `UserError` for one that is at work."""
    owner = run.owner()
    if owner is not None:
        raise UserError(f"{run.path.name} is at work already ({owner})")
    known = launches.launch_of(run.path)
    if known is not None and known.state in (launches.WAITING, launches.STARTING):
        raise UserError(f"{run.path.name} is {known.state} already")
    if known is not None:  # it failed, and this is another try
        launches.end(known.name)
    host = host_of(here)
    words = ["resume", str(run.path), "--port=0", *([f"--host={host}"] if host else [])]
    launches.start(words, program, run.path, None, resumes=True)
    return f"{run.path.name} is resumed"


def is_hub_at_work(run: Path) -> bool:
    """Whether a run is a hub that takes rows now; a sweep ends with its own, and takes none."""
    folder = RunFolder(run)
    return (run / SETTINGS).is_file() and folder.settings().get("kind") == HUB and own_portal(run) is not None


def host_of(run: Path) -> str | None:
    """The address by which others are to reach what is started from the portal of ``run``, as they reach that one; None:
    this machine alone."""
    settings = RunFolder(run).settings()
    host = settings.get("shared", settings).get("host")
    view = view_of(RunFolder(run))
    address = own_portal(run) or (view.address if view else None) or ""
    if "token=" not in address:
        return None
    return host if isinstance(host, str) else urlsplit(address).hostname


def new_run_folder(base: Path, settings: SearchSettings) -> Path:
    """A name that no run and no launch in ``base`` has."""
    taken = {launch.run for launch in launches.launches(base)}
    usual = f"{datetime.now():%Y%m%d-%H%M%S}-{stem_of(settings.dataset)}-{settings.strategy}"
    number = 1
    while (path := base / (usual if number == 1 else f"{usual}-{number}")) in taken or path.exists():
        number += 1
    return path


def _options(settings: SearchSettings) -> list[str]:
    """The settings as options of the command line."""
    own = ("run_dir", "port", "portal", "host")
    usual = SearchSettings(strategy=settings.strategy).to_json()
    given = {
        name: value
        for name, value in settings.to_json().items()
        if name not in own and value not in (None, usual.get(name))
    }
    return row_options({"strategy": settings.strategy, **given})


def _submit(hub: Path, settings: SearchSettings) -> tuple[Path, str]:
    """A row of the hub, by the way of NNI's own form, so that it waits and is gone on with like any."""
    shared = RunFolder(hub).settings()["shared"]
    asked = settings.to_json()
    own = {name: str(asked[name]) for name in SHARED if asked.get(name) is not None}
    kept = {name: os.path.abspath(shared[name]) if name in PLACES else str(shared[name]) for name in shared}
    if is_array_file(settings.dataset):
        own.pop("data_dir", None)  # the row names the file
    usual = SearchSettings(strategy=settings.strategy).to_json()
    own = {name: value for name, value in own.items() if value != kept.get(name, str(usual.get(name)))}
    own.pop("host", None)
    record = RunFolder(hub).read(NNI)
    server = f"http://127.0.0.1:{record['port']}/api/v1/nni/trial-jobs"
    number = _asked(server, row_of(settings) | own)["sequenceId"]
    folder = hub / "searches" / submitted_name(record["experiment"], number)
    end = time.monotonic() + _PLACE_SECONDS
    while time.monotonic() < end:
        if any(job.get("sequenceId") == number for job in _asked(server)):
            return folder, f"{folder.name} starts at once"
        time.sleep(_POLL_SECONDS)
    return folder, f"{folder.name} waits for others of {hub.name}"


def take_back(hub: Path, name: str) -> None:
    """Takes a search that waits out of the queue of a hub or sweep at work. Raises `UserError` for one that does not wait."""
    if name not in {each.name for each in unborn_searches(hub) if each.state == launches.WAITING}:
        raise UserError(f"{name} does not wait any more in {hub.name}")
    if name in dict(read_rows(hub)):
        note_taken_back(hub, name)
        return
    record, number = RunFolder(hub).read(NNI), name.rpartition("-")[2]
    _asked(f"http://127.0.0.1:{record['port']}/api/v1/nni/trial-jobs/waiting-{number}", method="DELETE")


class Unborn(NamedTuple):
    """A search of a hub that has no run folder: waiting, starting, or failed with ``error``."""

    name: str
    strategy: str
    state: str
    error: str | None = None


def unborn_searches(hub: Path) -> list[Unborn]:
    """Of a hub or sweep at work, the searches without a run folder, but for those taken back."""
    rows = read_rows(hub)
    gone = taken_back(hub)
    record = RunFolder(hub).read(NNI)
    server = f"http://127.0.0.1:{record['port']}/api/v1/nni"
    try:
        jobs = {_job_name(job, record["experiment"], rows): job for job in _asked(f"{server}/trial-jobs")}
    except UserError:
        return []
    found = [
        Unborn(name, parameters.get("strategy", ""), launches.WAITING)
        for name, parameters in rows
        if name not in jobs and name not in gone and not (hub / "searches" / name).exists()
    ]
    for name, job in jobs.items():
        if job["status"] in ("WAITING", "RUNNING", "FAILED") and not (hub / "searches" / name).exists():
            failed = job["status"] == "FAILED"
            error = _last_words(server, job["trialJobId"]) if failed else None
            state = launches.FAILED if failed else launches.STARTING
            found.append(Unborn(name, str(_parameters(job).get("strategy", "")), state, error))
    # Those submitted are no trials before there is a place for them, and no rows before they have begun.
    begun = rows + [(name, {}) for name in jobs]
    late = waiting(begun, record["experiment"], submitted_trials(database_of(hub, record["experiment"])))
    return found + [Unborn(name, row.get("strategy", ""), launches.WAITING) for name, row in late]


def _job_name(job: dict[str, Any], experiment: str, rows: list[Row]) -> str:
    """The search that a trial of a hub is of; ``rows`` are those handed out, in order."""
    number = _record(job).get("parameter_id")
    if isinstance(number, int) and number < len(rows):
        return rows[number][0]
    return submitted_name(experiment, job["sequenceId"])


def _last_words(server: str, trial: str) -> str:
    try:
        with _DIRECT.open(f"{server}/trial-file/{trial}/trial.stderr", timeout=_ANSWER_SECONDS) as answer:
            return launches.last_error(answer.read().decode(errors="replace"))
    except (OSError, ValueError):
        return "its trial.stderr, in Trials detail, says why"


def _record(job: dict[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads(job["hyperParameters"][0])
        found = json.loads(found) if isinstance(found, str) else found
        return found if isinstance(found, dict) else {}
    except (KeyError, IndexError, ValueError, TypeError):
        return {}


def _parameters(job: dict[str, Any]) -> dict[str, Any]:
    """The values of a row, of NNI's record of its trial."""
    found = _record(job).get("parameters")
    return found if isinstance(found, dict) else {}


def _asked(address: str, body: Any = None, method: str | None = None) -> Any:
    """What NNI's server answers. Raises `UserError`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    try:
        with _DIRECT.open(request, timeout=_ANSWER_SECONDS) as answer:
            return json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise UserError(f"NNI's server refuses it: {' '.join(said.split())[:200]}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"NNI's server does not answer ({error}); the hub may have ended") from error
