"""What training-free scores said of architectures, a line each in the run folder's ``scored.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from records.errors import UserError
from records.run_files.json_lines import read_lines
from records.run_files.measurement_lines import is_finite

SCORED = "scored.jsonl"


@dataclass(frozen=True)
class Scored:
    """``genotype`` as JSON, in ``bin`` number 0, 1, ... of those by rising MACs. ``scores`` by name, higher is better;
    None where a score has no value.

    Examples:
        >>> scored = Scored({"space": "tiny-global"}, macs=9, bin=0, scores={"synflow": 3.5}, seconds=0.1)
        >>> Scored.from_json(scored.to_json()) == scored
        True
    """

    genotype: Mapping[str, Any]
    macs: int
    bin: int
    scores: Mapping[str, float | None]
    seconds: float

    @property
    def identity(self) -> str:
        """The same for two records of one architecture alone."""
        return identity(self.genotype)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Scored:
        """Raises `UserError` for what is no such record."""
        found = cls(**record)
        if not (
            isinstance(found.genotype, dict) and isinstance(found.scores, dict) and isinstance(found.bin, int)
        ):
            raise UserError("genotype and scores are no objects, or bin is no whole number")
        for value in (found.seconds, found.macs, *(v for v in found.scores.values() if v is not None)):
            if not is_finite(value):
                raise UserError(f"a number is {value!r:.60}; accepted: one that is finite")
        return found


def identity(genotype: Mapping[str, Any]) -> str:
    """A text of a genotype's JSON, the same whatever the order in which it stands."""
    return json.dumps(genotype, sort_keys=True)


def read_scored(folder: Path) -> list[Scored]:
    """Those of the run in ``folder``, none for a run without. Raises `UserError` for a damaged line."""
    return read_lines(folder / SCORED, Scored.from_json, "a scored architecture's JSON")
