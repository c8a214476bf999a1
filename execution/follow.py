"""A search seen from outside: what its run folder gains, as the metrics that NNI's portal shows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from records.checks import text
from records.errors import UserError
from records.files import read_json
from records.run_files.kept_files import EPOCHS
from records.run_files.measurement_lines import is_finite
from records.run_files.run_folder import CANDIDATES, NNI, OUTCOME
from records.run_files.run_lock import holder

# Of an epoch's record, what is no measure of the search.
_LEFT_OUT = ("genotype", "expected_counts")  # no numbers
_NUMBERS = ("accuracy", "macs", "params", "hypervolume")  # of an outcome


class Lines:
    """New whole lines of a JSON-lines file that another process appends to."""

    def __init__(self, path: Path) -> None:
        self.path, self.offset = path, 0

    def new(self) -> Iterator[dict[str, Any]]:
        """Those that came since the last call."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # the rest of it is being written
                self.offset += len(line)
                yield json.loads(line)


class Follower:
    """The metrics of the search in ``run``, in the order in which they became known.

    Of a one-shot search's epoch they are its record's numbers; of a measured candidate ``default`` (the best
    accuracy so far, in [0, 1]), ``macs`` (the best one's), ``accuracy`` (this one's, if it has one),
    ``candidates``, ``failed``, ``cancelled`` and ``rejected`` (how many so far) and, where the search has a portal of its own, ``portal``.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.epochs, self.candidates = Lines(run / EPOCHS), Lines(run / CANDIDATES)
        self.best: dict[str, Any] | None = None
        self.ends: Counter[str] = Counter()

    def new(self) -> Iterator[dict[str, Any]]:
        """Those that came since the last call."""
        for record in self.epochs.new():
            yield {n: v for n, v in record.items() if v is not None and n not in _LEFT_OUT}
        for measurement in self.candidates.new():
            self.ends[measurement["status"]] += 1
            # Of one that was trained in part it is comparable with no other's.
            accuracy = measurement["accuracy"] if measurement["status"] == "ok" else None
            if accuracy is not None and (self.best is None or accuracy > self.best["accuracy"]):
                self.best = measurement
            if self.best is None:
                continue  # nothing to draw yet
            metric = {"default": self.best["accuracy"], "macs": self.best["macs"]}
            if accuracy is not None:
                metric["accuracy"] = accuracy
            others = {status: self.ends[status] for status in ("failed", "cancelled", "rejected")}
            yield metric | {"candidates": self.ends.total()} | others | self._portal()

    def _portal(self) -> dict[str, str]:
        address = own_portal(self.run)
        return {} if address is None else {"portal": address}

    def outcome(self) -> dict[str, Any] | None:
        """The final metric: ``outcome.json`` with its accuracy as ``default``; None while it is not there, or is
        damaged: the search, gone on with, writes it anew."""
        try:
            outcome = read_json(self.run / OUTCOME)
        except UserError:
            return None
        if not isinstance(outcome, dict) or not all(is_finite(outcome.get(name)) for name in _NUMBERS):
            return None
        known = {name: value for name, value in outcome.items() if value is not None}
        return {"default": outcome["accuracy"], **known, "run_folder": str(self.run)}


def own_portal(run: Path) -> str | None:
    """The address at which the run's own experiment is shown; None if it is not, or not yet (where it was shown
    before a resume does not count), or if that is not this user's to read."""
    owner = holder(run)
    try:
        record = read_json(run / NNI)
        shown = owner is not None and record["process"] == owner.pid
        return text("address", record["address"]) if shown else None
    except (UserError, KeyError, TypeError):
        return None
