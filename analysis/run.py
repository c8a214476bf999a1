"""A run folder, read: what a search was asked for and what it measured."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.screening import ScoreRanking, read_score_ranking
from analysis.selection.confirmed import Confirmation, confirmations
from analysis.shared_weights import SharedRanking, read_shared_ranking
from analysis.supernet import Supernet, read_supernet
from records.checks import as_path
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.measurement_lines import DamagedLine, read_confirmed, read_measurements
from records.run_files.settings_file import SETTINGS, read_run_record

CANDIDATES, CONFIRMED = "candidates.jsonl", "confirmed.jsonl"
_MOST_NAMED = 5  # of damaged lines


@dataclass(frozen=True)
class Run:
    """One run folder's content.

    ``settings`` are the search's by name, ``resolved`` what it used where they leave a value open (empty for a run of
    an earlier version); ``provenance`` is what else stands in ``settings.json`` (versions, commit, machine, start);
    ``torn_line`` is the number of a last line that a crash cut short, or None; ``damaged`` are lines that could not be read,
    by file; ``supernet`` is a one-shot search's, ``shared`` one's
    by `supernet-pareto`; ``scores`` one's that was screened; ``confirmed`` holds candidates by index that were trained again by other seeds.

    Examples:
        >>> run = read_run("results/first-search/digits")
        >>> run.dataset, len(run.ok), max(m.accuracy for m in run.ok) > 0.95
        ('digits', 20, True)
    """

    path: Path
    settings: dict[str, Any]
    measurements: tuple[Measurement, ...]
    provenance: dict[str, Any] = field(default_factory=dict)
    torn_line: int | None = None
    resolved: dict[str, Any] = field(default_factory=dict)
    supernet: Supernet | None = None
    shared: SharedRanking | None = None
    scores: ScoreRanking | None = None
    confirmed: Mapping[int, Confirmation] = field(default_factory=dict)
    damaged: Mapping[str, tuple[DamagedLine, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def dataset(self) -> str | None:
        """The data set's name, where the settings have one."""
        name = self.settings.get("dataset")
        return name if isinstance(name, str) else None

    @functools.cached_property
    def ok(self) -> tuple[Measurement, ...]:
        """The candidates that were judged."""
        return tuple(m for m in self.measurements if m.status == "ok")

    @property
    def failed(self) -> tuple[Measurement, ...]:
        return tuple(m for m in self.measurements if m.status == "failed")

    @property
    def cancelled(self) -> tuple[Measurement, ...]:
        """The candidates that the portal's user ended."""
        return tuple(m for m in self.measurements if m.status == "cancelled")

    @property
    def rejected(self) -> tuple[Measurement, ...]:
        """The candidates that were found above a budget, and not trained."""
        return tuple(m for m in self.measurements if m.status == "rejected")

    @property
    def partial(self) -> tuple[Measurement, ...]:
        """The candidates that were trained in part only; their accuracies are comparable with no others'."""
        return tuple(m for m in self.measurements if m.status == "partial")

    def require_ok(self) -> tuple[Measurement, ...]:
        """``ok``, at least one. Raises `UserError` if nothing was measured, saying why."""
        if self.ok:
            return self.ok
        if not self.measurements and CANDIDATES in self.damaged:
            raise UserError(f"{self.path}: {self._damage(CANDIDATES)}, and no other line has a candidate")
        if not self.measurements:
            raise UserError(f"{self.path} holds no candidate yet; let the search measure one first")
        if self.partial:
            raise UserError(
                f"{self.path}: none of {len(self.measurements)} candidates was trained wholly, {len(self.partial)} in "
                "part; resume it with more --trials"
            )
        latencies = [m.latency for m in self.rejected if m.latency is not None]
        if len(latencies) == len(self.measurements):  # a resume keeps the limit
            limit = self.settings.get("max_latency")
            raise UserError(
                f"{self.path}: all {len(latencies)} candidates were rejected, the fastest takes {min(latencies):.3g} ms "
                f"and max_latency is {limit} ms; begin a new search with a larger --max-latency"
            )
        last = self.measurements[-1]
        reason = " ".join((last.error or "no reason was recorded").split())[:200]
        raise UserError(
            f"{self.path}: none of {len(self.measurements)} candidates was judged; the last one, {last.index}, "
            f"{last.status}: {reason}"
        )

    @property
    def warning(self) -> str | None:
        """What a user of the results must know before relying on them; None if there is nothing."""
        said = [self._damage(name) for name in self.damaged]
        if said:
            said[-1] += f": all that follows is of the {len(self.measurements):,} candidates that can be read"
        collapsed = None if self.supernet is None else self.supernet.warning()
        return ". ".join(said + ([] if collapsed is None else [collapsed])) or None

    def _damage(self, name: str) -> str:
        """Which lines of a file are left out, and why the first one is."""
        lines = self.damaged[name]
        some = ", ".join(str(line.number) for line in lines[:_MOST_NAMED])
        more = f" and {len(lines) - _MOST_NAMED:,} more" if len(lines) > _MOST_NAMED else ""
        word, verb = ("line", "is") if len(lines) == 1 else ("lines", "are")
        return f"{word} {some}{more} of {name} {verb} damaged and left out ({lines[0].reason})"

    @property
    def seconds(self) -> float:
        """What the search cost: its supernet's epochs and its candidates' trainings, those by other seeds, too."""
        again = sum(each.seconds for each in self.confirmed.values())
        return self.supernet_seconds + sum(m.seconds for m in self.measurements) + again

    def trusted(self, measurement: Measurement) -> float:
        """A candidate's accuracy, the mean over seeds where it was confirmed."""
        known = self.confirmed.get(measurement.index)
        return (measurement.accuracy or 0.0) if known is None else known.mean

    @property
    def supernet_seconds(self) -> float:
        """What its supernet took, and judging networks by it; 0 for a search without one."""
        of_one_shot = 0.0 if self.supernet is None else self.supernet.seconds
        return of_one_shot + (0.0 if self.shared is None else self.shared.seconds)

    def rankings(self) -> list[str]:
        """How far what chose candidates before they were trained ranks as training does; one line each."""
        return [line for each in (self.shared, self.scores) if each is not None for line in each.sentences()]

    def notes(self) -> list[str]:
        """What a reader of the results should know about the record itself, and how far shared weights and scores can be
        trusted; one line each."""
        notes = self.rankings()
        if self.torn_line is not None:
            notes.append(f"{CANDIDATES}, line {self.torn_line}, was cut short by a crash and is left out")
        return notes


def read_run(path: str | Path) -> Run:
    """Reads a run folder; nothing is written.

    A last line without its end is left out and noted: the search never acknowledged it. A damaged line of the candidates or
    of their further trainings is left out, too, and `Run.warning` names it.

    Raises:
        UserError: no such folder, no run in it, a damaged line of another file (with its number).
    """
    path = as_path("the run folder", path).absolute()
    if not path.is_dir():
        raise UserError(f"{path} is no folder; accepted: a run folder, as a search makes")
    if not (path / SETTINGS).is_file():
        raise UserError(f"{path} is no run folder: it has no {SETTINGS}")
    record = read_run_record(path)
    damaged: dict[str, list[DamagedLine]] = {CANDIDATES: [], CONFIRMED: []}
    measurements, torn = read_measurements(path / CANDIDATES, damaged=damaged[CANDIDATES])
    confirmed = read_confirmed(path / CONFIRMED, measurements, damaged=damaged[CONFIRMED])
    return Run(
        path,
        record["settings"],
        measurements,
        {name: value for name, value in record.items() if name not in ("settings", "resolved")},
        torn,
        record.get("resolved") or {},
        read_supernet(path),
        read_shared_ranking(path, measurements),
        read_score_ranking(path, measurements),
        confirmations(confirmed),
        {name: tuple(lines) for name, lines in damaged.items() if lines},
    )
