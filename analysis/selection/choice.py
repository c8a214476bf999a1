"""The one candidate that is taken from a run, or from all searches of a hub or a sweep."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.run import Run, read_run
from analysis.selection.best import best
from records.checks import as_path
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.settings_file import SEARCHES, SETTINGS, SEVERAL, begun_searches, read_record

if TYPE_CHECKING:  # elsewhere where it is used: torch, which it needs, takes seconds and half a GB
    from search_space.genotype import Genotype

OUTCOME = "outcome.json"
_OF_DATA = ("dataset", "data_dir", "image_size", "channels", "flip")


@dataclass(frozen=True)
class Choice:
    """``folder`` is the run that measured it, or where a genotype's file lies, without a measurement.

    Examples:
        >>> choice = choose("results/first-search/digits")
        >>> choice.measurement.index, choice.genotype.space
        (5, 'darts-global')
    """

    genotype: Genotype
    folder: Path
    measurement: Measurement | None = None

    def data(self) -> dict[str, str | int]:
        """What the run, or training, was asked of its data set, by name; empty where the genotype is of none. Raises
        `UserError` where that cannot be read."""
        if not (self.folder / SETTINGS).is_file():
            return {}
        settings = self._record()["settings"]
        asked = {name: settings.get(name) for name in _OF_DATA}
        return {name: value for name, value in asked.items() if value is not None}

    def few_images(self) -> tuple[int, int] | None:
        """On how many images the run trained, and by how many a step, where they were fewer than a usual batch; None
        where that is not known. Raises `UserError` as `data` does."""
        if not (self.folder / SETTINGS).is_file():
            return None
        resolved = self._record().get("resolved") or {}
        with contextlib.suppress(KeyError, TypeError):  # of a training, or of an earlier version
            images, batch = resolved["train_images"], resolved["recipe"]["batch_size"]
            if isinstance(images, int) and isinstance(batch, int) and 0 < batch <= images:
                return images, batch
        return None

    def _record(self) -> dict[str, Any]:
        try:
            return read_record(self.folder)
        except UserError as error:
            raise UserError(f"{error}; name the data set with --dataset") from error


def choose(path: str | Path, index: int | None = None) -> Choice:
    """A run's candidate: the best one within its budget, or the one of that index; of a hub or a sweep the best
    of all its searches; or a genotype's file. Raises `UserError`."""
    path = as_path("the run or genotype", path)
    if not path.is_dir():
        from search_space.genotype import Genotype

        return Choice(Genotype.load(path), path.parent)
    run = read_run(path)
    if holds_searches(run):
        if index is not None:
            raise UserError(
                f"{path} holds several searches, each with a candidate {index}; name one of them, "
                f"{path / SEARCHES}/NAME"
            )
        return _best_of(path)
    if index is None:
        return _chosen(run, best(run, budget(run)))
    for measurement in run.measurements:
        if measurement.index == index:
            if measurement.status == "rejected":
                raise UserError(f"{path}, candidate {index}, was rejected: {measurement.error}")
            return _chosen(run, measurement)
    known = ", ".join(str(m.index) for m in run.measurements) or "none"
    raise UserError(f"{path} has no candidate {index}; it has {known}")


def chosen_genotype(path: str | Path, index: int | None = None) -> Genotype:
    """The genotype that `choose` takes. Raises `UserError`."""
    return choose(path, index).genotype


def holds_searches(run: Run) -> bool:
    """Whether it is the folder of a hub or a sweep, whose candidates are in its searches' folders."""
    return run.settings.get("kind") in SEVERAL


def searches(path: str | Path, *, finished: bool) -> list[Run]:
    """The searches of a hub's or sweep's folder that measured something, by name; ``finished``: those alone that
    came to their end. Raises `UserError` if there is none."""
    runs = [read_run(folder) for folder in begun_searches(Path(path))]
    found = [run for run in runs if run.ok and (not finished or (run.path / OUTCOME).is_file())]
    if not found:
        what = "came to its end" if finished else "measured a candidate"
        raise UserError(f"{path} holds {len(runs)} searches, none of which {what} yet")
    return found


def budget(run: Run) -> int | None:
    """The most MACs that the search allowed, where it had a limit."""
    value = run.settings.get("max_macs")
    return value if type(value) is int else None


def _best_of(path: Path) -> Choice:
    choices = [(run, best(run, budget(run))) for run in searches(path, finished=False)]
    return _chosen(*min(choices, key=lambda each: (-each[0].trusted(each[1]), each[1].macs)))


def _chosen(run: Run, measurement: Measurement) -> Choice:
    return Choice(genotype_of(measurement, run), run.path, measurement)


def genotype_of(measurement: Measurement, run: Run) -> Genotype:
    """A candidate's genotype. Raises `UserError` for one that cannot be read here, naming the run's plugins."""
    from search_space.genotype import recorded_genotype

    return recorded_genotype(measurement.genotype, f"{run.path}, candidate {measurement.index}", run.path)
