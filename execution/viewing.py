"""A finished run shown in the portal again, without a change to it.

NNI's server writes into what it shows: its log, and the database when it ends. It is therefore given a copy of
these in a private folder of this machine (below the folder for temporary files), with a link to the trials'
files. There also stands who shows the run where, so that a second ``view`` and ``list`` can say so; other users
and other machines have views of their own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from execution.follow import own_portal
from execution.portal.address import Portal
from records.checks import text
from records.errors import UserError
from records.files import read_json, write_errors
from records.private_folder import private_folder
from records.run_files.owner import Owner
from records.run_files.run_folder import NNI, NNI_LOG, RunFolder, write_json
from records.run_files.run_lock import LOCK, OWNER, holder, locked

_VIEW = "view.json"
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class View:
    """A run that ``process`` shows at ``address``; None while it starts."""

    process: Owner
    address: str | None


def view_of(run: RunFolder) -> View | None:
    """This user's view of a run on this machine; None if there is none. Changes nothing."""
    try:
        folder = _folder_in_use(run)
    except UserError:  # no view of this user's can be there
        return None
    process = holder(folder)
    if process is None:
        return None
    try:
        address = text("address", read_json(folder / _VIEW)["address"])
    except (UserError, KeyError, TypeError):
        address = None
    return View(process, address)


def view_folder(run: RunFolder) -> Path:
    """Where a view of ``run`` keeps its files. Raises `UserError` if somebody else could write there."""
    return private_folder() / hashlib.sha256(str(run.path.resolve()).encode()).hexdigest()[:16]


def _folder_in_use(run: RunFolder) -> Path:
    """`view_folder`, or that of a view which was begun before the run's folder got the name it has now."""
    folder = view_folder(run)
    if holder(folder) is None:
        for record in sorted(folder.parent.glob(f"*/{_VIEW}")):
            if _shows_moved(record, run) and holder(record.parent) is not None:
                return record.parent
    return folder


def _shows_moved(record: Path, run: RunFolder) -> bool:
    """Whether a view shows this very run, by another name; a copy of it is not shown."""
    try:
        return read_json(record)["run"] == _identity(run)
    except (UserError, OSError, KeyError, TypeError):
        return False


def _identity(run: RunFolder) -> list[int | str | None]:
    """What a run keeps when its folder is renamed."""
    found = run.path.stat()
    return [found.st_dev, found.st_ino, run.experiment()]


def view(run: RunFolder, port: int | None, host: str | None, pages: str | None = None) -> None:
    """Shows what NNI kept of a run in its portal until Ctrl-C; nothing can be changed there, and nothing in the
    run folder is. ``pages`` is the module of our own pages, see `Portal`.

    Raises `UserError` if the run has no experiment, is at work, or is shown already.
    """
    from records.signals import termination_as_interrupt

    identity = _experiment(run)
    folder = view_folder(run)
    with write_errors(folder):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        view_folder(run)
        folder.mkdir(exist_ok=True)
    with (
        termination_as_interrupt(),
        locked(folder, "it shows the run"),
        Portal(host, port, pages=pages) as portal,
    ):
        try:
            _copy(run, identity, folder)
            write_json(folder / _VIEW, {"address": portal.address, "run": _identity(run)}, private=True)
            _show(run, identity, folder, portal)
        finally:
            _clear(folder)


def _show(run: RunFolder, identity: str, folder: Path, portal: Portal) -> None:
    from execution.nni_bridge.database import database_of, recover, stored_config
    from execution.nni_bridge.portal_limits import no_edits
    from execution.nni_bridge.quiet_nni import nni_log_to
    from execution.nni_bridge.server_start import portal_environment
    from execution.nni_bridge.viewed import view_experiment

    database = folder / identity / "db" / "nni.sqlite"
    recover(database)
    original = database_of(run.path, identity)
    kept = stored_config(database, original)
    if kept is None:
        raise _never_shown(run, f", or {original} was emptied")
    with (
        nni_log_to(folder / NNI_LOG),
        portal_environment(no_edits(), portal.pages_start(run.path)) as start,
        view_experiment(run, identity, kept, folder, portal.server_port, start) as require_running,
    ):
        print(f"Portal: {portal.address}\nCtrl-C ends it.", flush=True)
        while True:
            require_running()
            time.sleep(_POLL_SECONDS)


def _experiment(run: RunFolder) -> str:
    """The id of the run's experiment."""
    owner = run.owner()
    if owner is not None:
        where = own_portal(run.path) or "not open"
        raise UserError(f"{run.path} is at work ({owner}); its portal is {where}")
    shown = view_of(run)
    if shown is not None:
        where = shown.address or "an address that is not known yet"
        raise UserError(f"{run.path} is shown already, at {where}, by {shown.process}")
    record = run.path / NNI
    if record.is_file() and not os.access(record, os.R_OK):
        raise UserError(f"{record} is for its owner alone to read, who can show the run")
    if not record.exists():
        for kept in (run.path / "nni").glob("*/db/nni.sqlite"):
            raise UserError(
                f"{record}, which names the experiment of {kept}, is not there; give it back to show the run"
            )
        raise _never_shown(run)
    identity = run.experiment()
    if identity is None:
        raise UserError(
            f"{record} is damaged: it has no experiment's id; accepted: the name of that one's folder in {run.path / 'nni'}"
        )
    kept = run.path / "nni" / identity / "db" / "nni.sqlite"
    if not kept.is_file():
        raise UserError(
            f"{run.path} cannot be shown: {kept}, where NNI kept it, is not there; what was measured is in the run folder, "
            "and `report` draws it"
        )
    return identity


def _never_shown(run: RunFolder, otherwise: str = "") -> UserError:
    return UserError(f"{run.path} has no experiment to show: it was never in the portal{otherwise}")


def _copy(run: RunFolder, identity: str, folder: Path) -> None:
    """What the server writes to, copied; what it only reads, linked."""
    source, to = run.path / "nni" / identity, folder / identity
    _clear(folder)  # what a killed view left
    with write_errors(to):
        for name in ("db", "log"):
            if (source / name).is_dir():
                shutil.copytree(source / name, to / name, copy_function=shutil.copyfile)
                (to / name).chmod(0o700)
        if (source / "environments").is_dir():
            (to / "environments").symlink_to(source / "environments")


def _clear(folder: Path) -> None:
    """Removes all but the lock, for which somebody may wait."""
    for path in folder.iterdir():
        if path.name in (LOCK, OWNER):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def end_view(run: RunFolder) -> bool:
    """Ends this user's view of a run; whether there was one. Raises `UserError`."""
    from execution.ending import end_in_order

    return view_of(run) is not None and end_in_order(RunFolder(_folder_in_use(run)))
