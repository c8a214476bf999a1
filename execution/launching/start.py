"""A new search begun from a page: as a row of the hub whose portal it is, elsewhere as a process of its own."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from execution.follow import own_portal
from execution.launching import launches
from execution.launching.check import check
from execution.portal.hub_rows import SHARED, row_of
from execution.portal.rows import read_rows, row_options, submitted_name
from execution.settings import PLACES, SearchSettings
from execution.viewing import view_of
from records.errors import UserError
from records.run_files.settings_file import HUB, SETTINGS
from records.run_folder import NNI, RunFolder
from training.data.datasets import is_array_file

_ANSWER_SECONDS = 30.0
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
    """Begins the search that ``texts`` describe: its run folder, which it will make, and what is to be said.

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
    after = here if waits and RunFolder(here).owner() is not None else None
    launches.start([*words, *_options(settings)], program, folder, after, resumes=False)
    if after is not None:
        return folder, f"{folder.name} waits until {here.name} has ended"
    beside = f" beside {here.name}, which slows both" if RunFolder(here).owner() is not None else ""
    return folder, f"{folder.name} starts at once{beside}"


def go_on(here: Path, run: RunFolder, program: str) -> str:
    """Resumes a run as a process of its own; what is to be said. Raises `UserError` for one that is at work."""
    owner = run.owner()
    if owner is not None:
        raise UserError(f"{run.path.name} is at work already ({owner})")
    known = launches.launch_of(run.path)
    if known is not None and known.state in (launches.WAITING, launches.STARTING):
        raise UserError(f"{run.path.name} is {known.state} already")
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
    usual = f"{datetime.now():%Y%m%d-%H%M%S}-{Path(settings.dataset).stem}-{settings.strategy}"
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
    job = next((job for job in _asked(server) if job.get("sequenceId") == number), None)
    if job is None:
        raise UserError(f"{hub.name} has taken the search, but does not tell its name; see Searches")
    waits = job["status"] == "WAITING"
    folder = hub / "searches" / submitted_name(record["experiment"], job["trialJobId"])
    return folder, f"{folder.name} {'waits for others of the hub' if waits else 'starts at once'}"


def waiting_searches(hub: Path) -> list[tuple[str, str]]:
    """Of a hub at work, the names of the searches that wait for others, and their strategies."""
    known = {name for name, _ in read_rows(hub)}
    record = RunFolder(hub).read(NNI)
    try:
        jobs = _asked(f"http://127.0.0.1:{record['port']}/api/v1/nni/trial-jobs")
    except UserError:
        return []
    waiting = []
    for job in jobs:
        if job.get("status") == "WAITING":
            name = submitted_name(record["experiment"], job["trialJobId"])
            waiting.append((name, str(_parameters(job).get("strategy", ""))))
    queued = [
        (name, str(parameters.get("strategy", "")))
        for name, parameters in read_rows(hub)
        if not (hub / "searches" / name).exists()
    ]
    return queued + [each for each in waiting if each[0] not in known]


def _parameters(job: dict[str, Any]) -> dict[str, Any]:
    """The values of a row, of NNI's record of its trial."""
    try:
        found = json.loads(job["hyperParameters"][0])
        found = json.loads(found) if isinstance(found, str) else found
        return dict(found.get("parameters", found))
    except (KeyError, IndexError, ValueError, TypeError, AttributeError):
        return {}


def _asked(address: str, body: Any = None) -> Any:
    """What NNI's server answers. Raises `UserError`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    try:
        with _DIRECT.open(request, timeout=_ANSWER_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise UserError(f"NNI's server refuses the search: {' '.join(said.split())[:200]}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"NNI's server does not answer ({error}); the hub may have ended") from error
