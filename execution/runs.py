"""Runs as a person looks after them: which there are, how far they are, ended, shown again. Looking at one
changes nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execution.ending import end_former, end_in_order
from execution.follow import own_portal
from execution.viewing import View, end_view, view, view_of
from records.checks import text, whole_number
from records.errors import UserError
from records.files import naming_damage, read_json
from records.measurement import Measurement
from records.options import MOST
from records.run_files.kept_files import check_kept_files
from records.run_files.measurement_lines import read_measurements
from records.run_files.owner import Owner
from records.run_files.run_folder import CANDIDATES, CONFIRMED, NNI, OUTCOME, RunFolder
from records.run_files.search_rows import ROWS, asked_searches
from records.run_files.settings_file import SETTINGS, is_of_training
from records.text import command_text, is_utf8

RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"
DAMAGED, UNREADABLE = "damaged", "unreadable"  # the latter to this user, for the file system refuses
__all__ = ["Status", "find_runs", "runs_table", "status", "status_or_damaged", "stop", "stop_line", "view"]


@dataclass(frozen=True)
class Status:
    """A run as ``list`` shows it; ``done`` of ``total`` candidates (of a hub or sweep: searches), ``best``
    validation accuracy in [0, 1], ``process``, here or elsewhere, and ``portal`` while it runs, and ``view``
    while it is shown again."""

    run: Path
    kind: str
    state: str
    done: int
    total: int
    best: float | None
    process: Owner | None
    portal: str | None
    view: View | None
    started: str
    reason: str = ""


def find_runs(folders: list[Path], read: Callable[[Path], Status] | None = None) -> list[Status]:
    """Every run in or right below ``folders``, and every search of a hub, oldest first, each once, also where links lead
    to it; ``read`` is what looks at one, by default `status_or_damaged`.

    Raises `UserError` for a folder that is not there.
    """
    read = read or status_or_damaged
    paths = sorted({path for folder in folders for path in _below(folder)})
    once = {path.resolve(): path for path in sorted(paths, key=_links, reverse=True)}  # its own name last
    found = [read(path) for path in once.values()]
    return sorted(found, key=lambda status: (status.started, status.run))


def _links(path: Path) -> int:
    return sum(part.is_symlink() for part in (path, *path.parents))


def _below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; accepted: folders with runs, or run folders")
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}") from error
    itself = _is_run(folder)  # then what lies in it is its own
    for path in [folder, *inside]:
        if itself if path is folder else _is_run(path, unknown=not itself):
            yield path
            for search in _within(path / "searches"):
                if _is_run(search, unknown=True):
                    yield search


def _within(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # there is none, or what it lies in may not be entered, which is said of that
        return []


def _is_run(path: Path, *, unknown: bool = False) -> bool:
    """Whether a folder is a search's or a hub's; a training's has settings too, and so have other programs. ``unknown``
    is said of one that this user may not look into."""
    try:
        if not (path / SETTINGS).is_file():
            return False
    except OSError:
        return unknown
    try:
        record = read_json(path / SETTINGS)
    except UserError:
        record = None
    if not isinstance(record, dict):  # damaged, if it is a run's: then that is said
        return any((path / name).exists() for name in (CANDIDATES, NNI, ROWS))
    return "settings" in record and not is_of_training(record)


def status_or_damaged(path: Path) -> Status:
    """How far a run is; of one that is damaged what can be read, and why it is called so, for the others are asked about
    as well."""
    run = RunFolder(path.absolute())
    if not is_utf8(str(run.path)):
        return _damaged(run, UNREADABLE, "its path is no UTF-8 text; rename it")
    try:
        return status(RunFolder.open(path))
    except (UserError, OSError, TypeError, ValueError) as error:
        refused = isinstance(error, OSError) or isinstance(error.__cause__, OSError)
        return _damaged(run, UNREADABLE if refused else DAMAGED, " ".join(str(error).split()))


def _damaged(run: RunFolder, state: str, reason: str) -> Status:
    kind, measured = "?", []
    with contextlib.suppress(UserError, OSError, TypeError, ValueError):
        kind = text("strategy", run.settings().get("strategy"))
    with contextlib.suppress(UserError, OSError, TypeError, ValueError):
        measured = list(read_measurements(run.path / CANDIDATES, damaged=[])[0])
    total = len(measured)
    with contextlib.suppress(UserError, OSError, TypeError, ValueError):
        total = max(total, whole_number("trials", run.settings().get("trials"), 1, MOST))
    return Status(run.path, kind, state, len(measured), total, _best(measured), None, None, None, "", reason)


def _best(measured: Sequence[Measurement]) -> float | None:
    return max((m.accuracy for m in measured if m.status == "ok" and m.accuracy is not None), default=None)


def _nothing_judged(measured: Sequence[Measurement]) -> bool:
    """Of such candidates a search makes no outcome, and to resume it changes nothing."""
    return all(m.status in ("failed", "cancelled", "rejected") for m in measured)


def status(run: RunFolder) -> Status:
    """How far a run is."""
    record = run.record()
    settings = record["settings"]
    owner = run.owner()
    kind = settings.get("kind")
    if kind is not None:
        searches = asked_searches(run.path)
        done, total, best = sum((path / OUTCOME).is_file() for path in searches), len(searches), None
        finished = done == total
    else:
        with naming_damage(run.path / SETTINGS):
            if missing := {"strategy", "trials"} - settings.keys():
                raise UserError(f"settings lacks {', '.join(sorted(missing))}")
            kind = text("strategy", settings["strategy"])
            trials = whole_number("trials", settings["trials"], 1, MOST)
        outcome = run.read(OUTCOME) if (run.path / OUTCOME).is_file() else None
        _require_candidates(run, outcome)
        measured = run.measurements()
        run.measurements(CONFIRMED)  # says so if it is damaged
        check_kept_files(run.path)
        done = len(measured)
        total = max(done, trials)  # the portal's user may have wanted more
        best = _best(measured)
        finished = isinstance(outcome, dict) or (done >= trials and _nothing_judged(measured))
    return Status(
        run=run.path,
        kind=kind,
        state=RUNNING if owner else FINISHED if finished else STOPPED,
        done=done,
        total=total,
        best=best,
        process=owner,
        portal=own_portal(run.path),
        view=view_of(run),
        started=str(record.get("started") or ""),
    )


def _require_candidates(run: RunFolder, outcome: Any) -> None:
    """Raises `UserError` where there were candidates, for what was made of them is there, and their file is not."""
    counted = outcome.get("candidates") if isinstance(outcome, dict) else None
    path = run.path / CANDIDATES
    there = path.is_file() and path.stat().st_size > 0
    if (counted or (run.path / CONFIRMED).is_file()) and not there:
        again = command_text("resume", run.path)
        raise UserError(
            f"{path} is {'empty' if path.is_file() else 'gone'}; {again} measures its candidates again"
        )


def runs_table(found: list[Status]) -> str:
    """The runs as text, one a line; below them what is wrong with damaged ones."""
    lines = [("run", "kind", "state", "done", "best %", "portal")]
    reasons = []
    for s in found:
        try:
            name = str(s.run.relative_to(Path.cwd()))
        except ValueError:
            name = str(s.run)
        name, kind = (word if word.isprintable() else repr(word) for word in (name, s.kind))
        best = "" if s.best is None else f"{100 * s.best:.2f}"
        portal = s.portal or (s.view.address if s.view else None) or ""
        lines.append((name, kind, _state(s), f"{s.done} of {s.total}", best, portal))
        reasons += [f"{name} is {s.state}: {s.reason}"] if s.reason else []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*rows, *reasons])


def _state(s: Status) -> str:
    if s.process is not None:
        number = "unknown process" if s.process.pid is None else str(s.process.pid)
        elsewhere = s.process.known and not s.process.in_this_place
        return f"{s.state} ({number} on {s.process.host})" if elsewhere else f"{s.state} ({number})"
    return f"{s.state}, viewed ({s.view.process.pid})" if s.view is not None else s.state


def stop(run: RunFolder) -> list[str]:
    """Ends a run in order, so that it can be resumed, and whatever a killed one left, and a view of it; what was
    ended: ``"run"``, ``"view"``.

    Raises `UserError` if the run is at work elsewhere, or by a process that cannot be told from others here.
    """
    ended = ["view"] if end_view(run) else []
    # Former processes only where nobody is at work: they are others' otherwise.
    return ended + (["run"] if end_in_order(run) | bool(end_former(run)) else [])


def stop_line(path: Path) -> str:
    """`stop`, of the run in ``path``, and what was done, in a line. Raises `UserError` as that does."""
    run = RunFolder.open(path)
    ended = stop(run)
    said = ["its view was ended"] if "view" in ended else []
    if "run" in ended:
        on = status(run).state != FINISHED or "kind" in run.settings()
        said.append("was stopped" + (f"; {command_text('resume', path)} goes on" if on else ", finished"))
    return f"{path}: {'; '.join(said)}" if said else f"{path} was not running"
