"""The run folder: what a search leaves behind, written so that a crash loses nothing that was known.

``settings.json`` stands first, whole, before anything starts; each measurement is a line of
``candidates.jsonl``, on the disk (fsync) before the search goes on. Other files are whole or absent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from records.checks import as_path, whole_number
from records.errors import UserError
from records.files import read_json, read_present, write_errors, write_whole
from records.measurement import Measurement
from records.plugins import plugin_names
from records.run_files.json_lines import append_line
from records.run_files.measurement_lines import MOST, read_confirmed, read_measurements
from records.run_files.owner import Owner
from records.run_files.run_lock import LOCK, OWNER, holder, locked
from records.run_files.settings_file import SETTINGS, read_run_record
from records.text import command_text, without_paths

CANDIDATES, NNI = "candidates.jsonl", "nni.json"
NNI_LOG = "nni.log"
PROPOSED = "proposed.jsonl"
EARLIER = "earlier.jsonl"  # what a search that starts from another run was shown of it
CONFIRMED = "confirmed.jsonl"  # as candidates.jsonl, of candidates that were trained again by other seeds
OUTCOME = "outcome.json"  # written last, by the search itself: it has come to its end
_IDENTITY = re.compile(r"\w+")  # it is part of paths
_PACKAGES = ("torch", "torchvision", "nni", "numpy", "pytorch-lightning")


def write_json(path: Path, record: Any, *, private: bool = False) -> None:
    """Writes a JSON file that is whole or untouched, on the disk when this returns."""
    write_whole(path, json.dumps(record, indent=1) + "\n", private=private)


def new_folder(path: Path) -> Path:
    """Makes the folder, or, where it is there, the first that is not of ``path``-2, ``path``-3, and so on. Raises
    `UserError`."""
    made, number = path, 1
    with write_errors(path):
        while True:
            try:
                made.mkdir(parents=True)
                return made
            except FileExistsError:
                number += 1
                made = path.with_name(f"{path.name}-{number}")


class RunFolder:
    """An existing run folder. `create` makes one, `open` finds one.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = RunFolder.create(Path(folder, "run"), settings={"trials": 2})
        ...     run.append(Measurement(0, {}, "ok", 0.9, macs=9, macs_published=9, params=1, seconds=2.0, seed=0))
        ...     [m.accuracy for m in RunFolder.open(run.path).measurements()], run.settings()
        ([0.9], {'trials': 2})
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(
        cls, path: str | Path, settings: dict[str, Any], resolved: dict[str, Any] | None = None
    ) -> RunFolder:
        """Makes the folder and writes ``settings.json``: what was asked for, and, ``resolved``, what is used.

        Raises `UserError` if it holds a run or anything else already, or cannot be written.
        """
        path = as_path("run_dir", path).absolute()
        _require_free(path)
        with write_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        with locked(path, "name another with --run-dir"):  # several may want it at the same moment
            _require_free(path)
            record = {"settings": settings, "resolved": resolved or {}, **provenance()}
            write_json(path / SETTINGS, record)
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Raises `UserError` if there is no run in ``path``."""
        path = as_path("the run folder", path).absolute()
        if not (path / SETTINGS).is_file():
            raise UserError(f"{path} is no run folder: it has no {SETTINGS}")
        return cls(path)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """While it lasts, this process alone works on the run; the system frees it when the process ends.

        Raises `UserError`, naming the process and its host, if another one does.
        """
        with locked(self.path, f"wait for it, or end it there with {command_text('stop', self.path)}"):
            yield

    def owner(self) -> Owner | None:
        """The process that is at work on the run, here or elsewhere; None if none is. Changes nothing."""
        return holder(self.path)

    def record(self) -> dict[str, Any]:
        """All that ``settings.json`` says. Raises `UserError` for a damaged one, and for a training's folder."""
        return read_run_record(self.path)

    def settings(self) -> dict[str, Any]:
        """The search's settings by name. Raises `UserError` as `record`."""
        return self.record()["settings"]

    def resolved(self) -> dict[str, Any]:
        """What the search uses where its settings left a value open; empty for a run of an earlier version."""
        return self.record().get("resolved") or {}

    def revise(self, settings: dict[str, Any], resolved: dict[str, Any] | None = None) -> None:
        """Changes what was asked for, and what is used where that is given; what else is recorded stays."""
        record = self.record()  # damaged ones are not written over
        changed = {"settings": settings} | ({} if resolved is None else {"resolved": resolved})
        if record != record | changed:
            write_json(self.path / SETTINGS, record | changed)

    def append(self, measurement: Measurement, name: str = CANDIDATES) -> None:
        """Adds a line to ``candidates.jsonl``, or to the file of that name; on the disk when this returns. Absolute
        paths in an error are cut, for the file may be mailed."""
        path = self.path / name
        if measurement.error is not None:
            error = without_paths(measurement.error, self.path)
            measurement = dataclasses.replace(measurement, error=error)
        append_line(path, measurement.to_json())

    def note_proposed(self, index: int, seen: int) -> None:
        """Keeps from how many results a candidate was proposed, for it may not come to be measured."""
        append_line(self.path / PROPOSED, {"index": index, "seen": seen})

    def proposed(self) -> dict[int, int]:
        """From how many results each candidate was proposed; a damaged line is left out. Raises `UserError` for a file
        that cannot be read."""
        lines = (read_present(self.path / PROPOSED) or b"").splitlines()
        found: dict[int, int] = {}
        for line in lines:
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                record = json.loads(line)
                index, seen = (whole_number(name, record[name], 0, MOST) for name in ("index", "seen"))
                found[index] = seen
        return found

    def measurements(self, name: str = CANDIDATES) -> list[Measurement]:
        """What is known so far, in the order it became known; a last line cut short by a crash is left out. ``name``
        is the file, with `CONFIRMED` what was trained again.

        Raises `UserError` for a damaged line: whoever goes on with a run would lose it.
        """
        try:
            known = list(read_measurements(self.path / CANDIDATES)[0])
            return known if name == CANDIDATES else list(read_confirmed(self.path / name, known))
        except UserError as error:
            if isinstance(error.__cause__, OSError):  # no line of it is to blame
                raise
            raise UserError(f"{error}; {_WAY_ON}") from error

    def keep_earlier(self, measurements: Sequence[Measurement]) -> None:
        """Keeps what the search is shown of an earlier run, whole or not at all: that one may be gone later."""
        lines = "".join(json.dumps(measurement.to_json()) + "\n" for measurement in measurements)
        write_whole(self.path / EARLIER, lines)

    def earlier(self) -> list[Measurement] | None:
        """What was kept of an earlier run; None if nothing was. Raises `UserError` for a damaged line."""
        path = self.path / EARLIER
        return list(read_measurements(path)[0]) if path.exists() else None

    def read(self, name: str) -> Any:
        """What `write` wrote as ``name``. Raises `UserError` if it is missing or damaged."""
        return read_json(self.path / name)

    def experiment(self) -> str | None:
        """The id of the run's NNI experiment; None where there is none, or where its record is damaged or not this
        user's to read."""
        try:
            identity = read_json(self.path / NNI)["experiment"]
        except (UserError, KeyError, TypeError):
            return None
        return identity if isinstance(identity, str) and _IDENTITY.fullmatch(identity) else None

    def write(self, name: str, record: Any) -> None:
        """Writes ``name`` in this folder as JSON, whole or not at all."""
        # The portal's address may have a token in it.
        write_json(self.path / name, record, private=name == NNI)


_WAY_ON = "`run_search.py report` shows the others; where the line is taken out of the file, `resume` trains it again"


def _require_free(path: Path) -> None:
    """Raises `UserError` for a folder that holds a run or anything else than what one leaves that was killed while
    its folder was made."""
    with write_errors(path):
        if (path / SETTINGS).exists():
            raise UserError(
                f"{path} already holds a run; resume it with {command_text('resume', path)} or name another "
                "folder with --run-dir"
            )
        own = (LOCK, OWNER)
        foreign = path.is_dir() and any(
            each.name not in own and not each.match(".*.part") for each in path.iterdir()
        )
        if foreign or (path.exists() and not path.is_dir()):
            raise UserError(f"{path} exists and is no empty folder; name another with --run-dir")


def provenance() -> dict[str, Any]:
    """Versions, plugins, git commit (None outside a checkout) and the time, for whoever reads the run later."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "versions": versions,
        "plugins": plugin_names(),
        "commit": _commit(),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _commit() -> str | None:
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
