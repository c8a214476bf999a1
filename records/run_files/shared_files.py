"""What `supernet-pareto` keeps in the run folder before its first candidate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.checks import one_of, shown
from records.errors import UserError
from records.files import naming_damage, read_json
from records.run_files.json_lines import read_lines
from records.run_files.measurement_lines import is_finite, require_share
from records.run_files.scored import identity

EPOCHS = "supernet.jsonl"  # a line an epoch of its supernet
JUDGED = "judged.jsonl"  # a line a network that was judged on the shared weights
CHOSEN = "chosen.json"  # the networks to train, see `ChosenRecord`
LATENCY_TABLE = "latency_table.json"  # latencies of operations, where latency is an objective
FRONT, RANDOM = "front", "random"
# In a band of costs of this ratio shared weights tell networks apart; beyond it they favour small ones.
LIKE = 1.25


@dataclass(frozen=True)
class ChosenRecord:
    """A network to train: of the `FRONT` on shared weights, or `RANDOM`; ``accuracy`` is that on shared weights."""

    genotype: dict[str, Any]
    role: str
    accuracy: float


def read_seconds(path: Path) -> float:
    """Those of all whole lines, added up; of `EPOCHS` or `JUDGED`. Raises `UserError` for a damaged line."""
    return sum(read_lines(path, _seconds_of, "a record with seconds"))


def _seconds_of(record: Any) -> float:
    seconds = record["seconds"]
    if not is_finite(seconds) or seconds < 0:
        raise UserError(f"seconds is {shown(seconds)}; accepted: a number, 0 or more")
    return float(seconds)


def read_chosen_records(path: Path) -> list[ChosenRecord]:
    """Those in ``path``, in the order in which they are trained. Raises `UserError` for a damaged file."""
    records = read_json(path)
    with naming_damage(path):
        try:
            found = [ChosenRecord(r["genotype"], r["role"], r["accuracy"]) for r in records]
        except (KeyError, TypeError) as error:
            raise UserError("it is not a list of networks with genotype, role and accuracy") from error
        if not found:
            raise UserError("it is empty")
        for record in found:
            if not isinstance(record.genotype, dict):
                raise UserError(f"genotype is {shown(record.genotype)}; accepted: an object")
            one_of("role", record.role, (FRONT, RANDOM))
            require_share("accuracy", record.accuracy)
        if len({identity(record.genotype) for record in found}) < len(found):
            raise UserError("a network stands there twice")
    return found
