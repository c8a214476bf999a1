"""Runs as a person looks after them: which there are, how far they are, ended, shown again."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from search_space.errors import UserError
from strategies.follow import own_portal
from strategies.rows import read_rows
from strategies.run_folder import NNI, OUTCOME, SETTINGS, RunFolder

RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Status:
    """A run as ``list`` shows it; ``done`` of ``total`` candidates (of a hub or sweep: searches), ``best``
    validation accuracy in [0, 1], ``process`` and ``portal`` while it runs."""

    run: Path
    kind: str
    state: str
    done: int
    total: int
    best: float | None
    process: int | None
    portal: str | None
    started: str


def find_runs(folders: list[Path]) -> list[Status]:
    """Every run in or right below ``folders``, and every search of a hub, oldest first.

    Raises `UserError` for a folder that is not there.
    """
    found = {status.run: status for folder in folders for status in _below(folder)}
    return sorted(found.values(), key=lambda status: (status.started, status.run))


def _below(folder: Path) -> Iterator[Status]:
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; accepted: folders with runs, or run folders")
    for path in [folder, *sorted(folder.iterdir())]:
        if _is_run(path):
            run = RunFolder.open(path)
            yield status(run)
            if "kind" in run.settings():
                for search in sorted((path / "searches").glob("*")):
                    if _is_run(search):
                        yield status(RunFolder.open(search))


def _is_run(path: Path) -> bool:
    """Whether a folder is a search's or a hub's; a training's has settings too."""
    try:
        return "genotype" not in json.loads((path / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def status(run: RunFolder) -> Status:
    """How far a run is."""
    settings = run.settings()
    owner = run.owner()
    if "kind" in settings:
        searches = [run.path / "searches" / name for name, _ in read_rows(run.path)]
        done, total, best = sum((path / OUTCOME).is_file() for path in searches), len(searches), None
        finished = done == total
    else:
        measured = run.measurements()
        done, total = len(measured), settings["trials"]
        best = max((m.accuracy for m in measured if m.accuracy is not None), default=None)
        finished = (run.path / OUTCOME).is_file()
    return Status(
        run=run.path,
        kind=settings.get("kind") or settings["strategy"],
        state=RUNNING if owner else FINISHED if finished else STOPPED,
        done=done,
        total=total,
        best=best,
        process=owner,
        portal=own_portal(run.path) if owner else None,
        started=json.loads((run.path / SETTINGS).read_text(encoding="utf-8")).get("started", ""),
    )


def table(found: list[Status]) -> str:
    """The runs as text, one a line."""
    lines = [("run", "kind", "state", "done", "best %", "portal")]
    for s in found:
        try:
            name = str(s.run.relative_to(Path.cwd()))
        except ValueError:
            name = str(s.run)
        state = f"{s.state} ({s.process})" if s.process else s.state
        best = "" if s.best is None else f"{100 * s.best:.2f}"
        lines.append((name, s.kind, state, f"{s.done} of {s.total}", best, s.portal or ""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def stop(run: RunFolder) -> bool:
    """Ends a run in order, so that it can be resumed, and whatever a killed one left; whether there was
    anything to end."""
    from strategies.row_experiment import end_former

    owner = run.owner()
    if owner is not None:
        os.kill(owner, signal.SIGTERM)
        end = time.monotonic() + _PATIENCE_SECONDS
        while run.owner() == owner:
            if time.monotonic() > end:
                os.kill(owner, signal.SIGKILL)
            time.sleep(0.1)
    return bool(end_former(run)) or owner is not None


def view(run: RunFolder, port: int, host: str | None) -> None:
    """Shows what NNI kept of a run in its portal until Ctrl-C; nothing can be changed there.

    Raises `UserError` if the run has no experiment, or is at work: it is shown already.
    """
    from strategies.launch import free_port
    from strategies.nni_compat import CONTROLS, chatter_to, portal_environment, view_experiment
    from strategies.portal import Portal
    from strategies.run_folder import NNI_LOG
    from strategies.signals import termination_as_interrupt

    identity = _experiment(run)
    port = free_port(port)
    with (
        run.lock(),
        termination_as_interrupt(),
        Portal(host, port) as portal,
        chatter_to(run.path / NNI_LOG),
        portal_environment(CONTROLS),
        view_experiment(identity, run.path / "nni", port),
    ):
        print(f"Portal: {portal.address}\nCtrl-C ends it.", flush=True)
        signal.pause()


def _experiment(run: RunFolder) -> str:
    from strategies.nni_compat import was_stored

    if run.owner() is not None:
        raise UserError(f"{run.path} is at work; its portal is {own_portal(run.path)}")
    identity = run.read(NNI).get("experiment", "") if (run.path / NNI).is_file() else ""
    if not (identity and was_stored(run.path / "nni" / identity / "db" / "nni.sqlite")):
        raise UserError(f"{run.path} has no experiment to show: it was never in the portal")
    return identity
