"""What `supernet-pareto` keeps in the run folder before its first candidate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.errors import UserError
from records.run_files.measurement_lines import require_share
from records.run_files.scored import identity

EPOCHS = "supernet.jsonl"  # a line an epoch of its supernet
JUDGED = "judged.jsonl"  # a line a network that was judged on the shared weights
CHOSEN = "chosen.json"  # the networks to train, see `ChosenRecord`
FRONT, RANDOM = "front", "random"


@dataclass(frozen=True)
class ChosenRecord:
    """A network to train: of the `FRONT` on shared weights, or `RANDOM`; ``accuracy`` is that on shared weights."""

    genotype: dict[str, Any]
    role: str
    accuracy: float


def read_chosen_records(path: Path) -> list[ChosenRecord]:
    """Those in ``path``, in the order in which they are trained. Raises `UserError` for a damaged file."""
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        found = [ChosenRecord(r["genotype"], r["role"], r["accuracy"]) for r in records]
        if not found:
            raise UserError("it is empty")
        for record in found:
            if not isinstance(record.genotype, dict) or record.role not in (FRONT, RANDOM):
                raise UserError(f"role is {record.role!r:.60}; accepted: {FRONT}, {RANDOM}")
            require_share("accuracy", record.accuracy)
        if len({identity(record.genotype) for record in found}) < len(found):
            raise UserError("a network stands there twice")
    except UserError as error:
        raise UserError(f"{path} is damaged: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is damaged: it is not a list of networks with role and accuracy") from error
    return found
