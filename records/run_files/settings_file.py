"""``settings.json``: what a search, a hub or a sweep was asked for; a training has a file of that name, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from records.checks import one_of, shown, whole_number
from records.errors import UserError
from records.files import naming_damage, read_json
from records.text import command_text

SETTINGS, RESULT, GENOTYPE = "settings.json", "result.json", "genotype.json"
WEIGHTS = "weights.safetensors"  # of a training, beside its result
HUB, SWEEP = "hub", "sweep"
SEARCHES = "searches"  # the folder of theirs
MOST_SEARCHES = 1000  # of a hub, at the same time
SEVERAL = (HUB, SWEEP)  # kinds of run that hold searches; a search itself has no kind


def read_record(folder: Path) -> dict[str, Any]:
    """All that the file in ``folder`` says, whosever it is. Raises `UserError` for a damaged one."""
    path = folder / SETTINGS
    record = read_json(path)
    if not isinstance(record, dict) or "settings" not in record:
        raise UserError(f"{path} is damaged: it has no object named settings")
    with naming_damage(path):
        _require_object("settings", record["settings"])
        if record.get("resolved") is not None:  # as in a run of an earlier version
            _require_object("resolved", record["resolved"])
    return record


def read_run_record(folder: Path) -> dict[str, Any]:
    """As `read_record`, of a run. Raises `UserError` also for a training's folder, and for a kind that no run has."""
    record = read_record(folder)
    if is_of_training(record):
        if not (folder / RESULT).exists():
            raise UserError(
                f"{folder} holds a training that has not ended; the command that began it, `retrain` or `train`, goes "
                "on with it"
            )
        if not (folder / WEIGHTS).exists():
            raise UserError(
                f"{folder} holds a training whose {WEIGHTS} is gone; train it again in another folder"
            )
        raise UserError(
            f"{folder} holds a training that has ended; accepted: the folder of a search, hub or sweep (its network is "
            f"{folder / GENOTYPE})"
        )
    settings = record["settings"]
    if "kind" in settings:
        with naming_damage(folder / SETTINGS):
            one_of("kind", settings["kind"], SEVERAL)
            whole_number("searches", settings.get("searches"), 1, MOST_SEARCHES)
            _require_object("shared", settings.get("shared"))
    return record


def _require_object(name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise UserError(f"{name} is {shown(value)}; accepted: an object")


def is_of_training(record: dict[str, Any]) -> bool:
    """Whether a record of that file is a training's."""
    return "genotype" in record


def begun_searches(run: Path) -> list[Path]:
    """The folders of the searches of a hub or sweep that have begun, by name. Raises `UserError` for one that cannot be
    read: without it the others would be taken for all."""
    try:
        folders = sorted(path for path in (run / SEARCHES).glob("*") if path.is_dir())
        return [folder for folder in folders if any(path.name[0] != "." for path in folder.iterdir())]
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error


def what_is_left(run: Path | None) -> str:
    """What a user whose search ended early has, and can do next; ``run`` is its folder, where that is known.

    Examples:
        >>> what_is_left(None)
        'what was measured is kept, and `run_search.py resume RUN` goes on'
    """
    if run is not None and not (run / SETTINGS).is_file():
        return f"{run} is not the run's folder any more: it was moved, deleted, or made anew"
    return f"what was measured is kept, and {command_text('resume', run or 'RUN')} goes on"
