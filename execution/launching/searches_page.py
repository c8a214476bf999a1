"""The page Searches: the runs beside the portal's own, how far they are; stopped, resumed and compared from there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from execution import runs
from execution.follow import EPOCHS
from execution.launching import launches
from execution.launching.launches import FAILED, STARTING, WAITING, Launch
from execution.launching.time_left import seconds_left
from execution.pages.contract import Asked, Page, Place, several
from records.errors import UserError
from records.run_files.kept_files import KEPT
from records.run_files.preparing import work_line
from records.run_files.run_folder import CANDIDATES, OUTCOME, RunFolder
from records.run_files.settings_file import HUB, SEVERAL

Compare = Callable[[Sequence[Path]], dict[str, Any]]
_OWN_STOP_SECONDS = 1.0  # until the portal that answers is stopped itself
_FILES = ("settings.json", CANDIDATES, "confirmed.jsonl", "rows.jsonl", "taken-back.jsonl", OUTCOME, *KEPT)


def searches_page(program: Callable[[], str], compare: Compare) -> Page:
    """The page; ``program`` tells the module whose command line resumes a run, ``compare`` draws run folders over each
    other (``picture``, an address of data, ``rows``, ``lines``)."""
    known = _Known()
    return Page(
        "searches",
        "Searches",
        gets={"searches": known.table, "comparison": lambda place, asked: _compared(place, asked, compare)},
        posts={
            "stop": _stop,
            "resume": lambda place, asked: _resume(place, asked, program),
            "forget": _forget,
        },
    )


_NOTHING = {"stop": False, "resume": False, "compare": False, "look": False}  # that can be done


class _Known:
    """What was read of runs that have not changed since."""

    def __init__(self) -> None:
        self._kept: dict[Path, tuple[Any, runs.Status]] = {}

    def table(self, place: Place, asked: Asked) -> dict[str, Any]:
        """``rows``, the oldest first: a run, a hub's search that waits, or a launch."""
        waiting = {
            launch.run: launch for launch in launches.launches(place.base) if launch.state != launches.BEGUN
        }
        rows = []
        for status in self._statuses(place.base):
            rows.append(_row(place, status, waiting.pop(status.run, None)))
            if status.kind in SEVERAL and status.portal is not None:
                rows += _without_folder(place, status)
        rows += [_launched(place, launch) for launch in waiting.values()]
        return {"rows": rows, "own": place.key(place.run)}

    def _statuses(self, base: Path) -> list[runs.Status]:
        return runs.find_runs([base], self._status)

    def _status(self, path: Path) -> runs.Status:
        stamp = tuple(_stamp(path / name) for name in _FILES)
        kept = self._kept.get(path)
        if kept is not None and kept[0] == stamp and not _is_busy(kept[1], path):
            return kept[1]
        found = runs.status_or_damaged(path)
        self._kept[path] = (stamp, found)
        return found


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _is_busy(status: runs.Status, path: Path) -> bool:
    """Whether it is, or was when it was looked at, at work or shown."""
    return status.process is not None or status.view is not None or RunFolder(path).owner() is not None


def _row(place: Place, status: runs.Status, launch: Launch | None) -> dict[str, Any]:
    at_work, shown = status.process is not None, status.view is not None
    pending = launch is not None and launch.state != FAILED and not at_work
    # A hub can be opened again at any time.
    more = status.state == runs.STOPPED or (status.state == runs.FINISHED and status.kind == HUB)
    sound, single = not status.reason, status.kind not in SEVERAL
    return _bare(place, status.run, status.kind) | {
        "state": "starting" if pending else f"{status.state}, viewed" if shown else status.state,
        "where": None if status.process is None else str(status.process),
        "done": status.done,
        "total": status.total,
        "supernet": _epochs(status.run) if at_work else None,
        "work": work_line(status.run) if at_work and single else None,
        "best": status.best,
        "seconds_left": _left(status) if at_work and single else None,
        "address": status.portal or (status.view.address if status.view else None),
        "error": launch.error if launch else status.reason or None,
        "launch": launch.name if launch else None,
        "can": {
            "stop": at_work or shown or pending,
            "resume": more and not (at_work or shown or pending),
            "compare": status.done > 0 and sound,
            "look": single and (sound or _has_settings(status.run)),
        },
    }


def _has_settings(run: Path) -> bool:
    """Whether a damaged run is one of which a front can be drawn all the same."""
    try:
        return "kind" not in RunFolder(run).record()["settings"]
    except UserError:
        return False


def _left(status: runs.Status) -> float | None:
    run = RunFolder(status.run)
    assert status.process is not None
    try:
        ended = [measurement.time for measurement in run.measurements()]
    except UserError:
        return None
    if status.done == status.total:  # what comes then has another pace
        return None
    return seconds_left(ended, status.total - status.done, status.process.since, datetime.now(timezone.utc))


def _epochs(run: Path) -> int | None:
    """How many epochs of its supernet a search has trained; None of one that has none."""
    try:
        return (run / EPOCHS).read_bytes().count(b"\n")
    except OSError:
        return None


def _without_folder(place: Place, hub: runs.Status) -> list[dict[str, Any]]:
    """The searches of a hub at work that wait, or failed before they had a folder."""
    from execution.launching.start import unborn_searches

    return [
        _bare(place, hub.run / "searches" / each.name, each.strategy)
        | {
            "state": each.state,
            "where": f"for others of {hub.run.name}" if each.state == WAITING else None,
            "error": each.error,
            "hub": place.key(hub.run),
            "can": _NOTHING | {"stop": each.state == WAITING},
        }
        for each in unborn_searches(hub.run)
    ]


def _launched(place: Place, launch: Launch) -> dict[str, Any]:
    row = _bare(place, launch.run, "")
    waits = launch.state == WAITING and launch.after is not None
    return row | {
        "state": launch.state,
        "where": f"for the end of {launch.after.name}" if waits and launch.after else None,
        "error": launch.error,
        "launch": launch.name,
        "can": row["can"] | {"stop": launch.state != FAILED},
    }


def _bare(place: Place, run: Path, kind: str) -> dict[str, Any]:
    """A row of which nothing else is known."""
    return {
        "key": place.key(run), "kind": kind, "state": "", "where": None, "done": 0, "total": None, "supernet": None, "work": None,
        "best": None, "seconds_left": None, "address": None, "error": None, "launch": None, "hub": None, "can": _NOTHING,
    }  # fmt: skip


def _stop(place: Place, asked: Asked) -> dict[str, Any]:
    """Ends a run in order, as the command `stop` does, or takes back a launch, or a search of a hub, that has not begun."""
    for launch in launches.launches(place.base):
        if launch.name == asked.get("launch") and launch.state in (WAITING, STARTING):
            launches.end(launch.name)
            return {"said": f"{launch.run.name}: taken back"}
    if asked.get("hub"):
        from execution.launching.start import take_back

        name = Path(_key(asked)).name
        take_back(place.folder(asked["hub"]), name)
        return {"said": f"{name}: taken back"}
    folder = place.folder(_key(asked))
    if folder in (place.run, *place.run.parents):  # a hub has its searches in its folder
        # This answer comes from what is stopped.
        threading.Timer(_OWN_STOP_SECONDS, lambda: runs.stop(RunFolder(folder))).start()
        return {"said": f"{folder.name} is being stopped, and this portal ends with it"}
    return {"said": runs.stop_line(folder)}


def _resume(place: Place, asked: Asked, program: Callable[[], str]) -> dict[str, Any]:
    from execution.launching.start import go_on

    run = RunFolder.open(place.folder(_key(asked)))
    return {"said": go_on(place.run, run, program()), "key": place.key(run.path)}


def _forget(place: Place, asked: Asked) -> dict[str, Any]:
    """Takes a launch that failed out of the list."""
    for launch in launches.launches(place.base):
        if launch.name == asked.get("launch") and launch.state == FAILED:
            launches.end(launch.name)
            return {"said": f"{launch.run.name}: taken off the list"}
    raise UserError("that launch is not there any more")


def _key(asked: Asked) -> str:
    key = asked.get("run")
    if not isinstance(key, str) or not key:
        raise UserError("no run is named; accepted: the key of one that is listed")
    return key


def _compared(place: Place, asked: Asked, compare: Compare) -> dict[str, Any]:
    keys = several(asked, "run")
    if not keys:
        raise UserError("no run is ticked; accepted: one or more")
    return compare([place.folder(key) for key in keys])
