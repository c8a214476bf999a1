"""How far the trainings are by which a search confirms its front; pages read it while they run."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from records.errors import UserError
from records.files import read_json, write_whole
from records.run_files.run_folder import CONFIRMED

CONFIRMING = "confirming.json"


@dataclass(frozen=True)
class Confirming:
    """What is planned: ``trainings`` of the ``candidates`` by their indices, of ``epochs`` epochs each; ``others`` is how
    many lines of ``confirmed.jsonl`` are none of these, for an earlier plan was another.

    Examples:
        >>> Confirming(trainings=6, candidates=(1, 7), epochs=6, others=0).words(2)
        'Confirming: 2 of 6 trainings, of candidates 1 and 7, 6 epochs each'
    """

    trainings: int
    candidates: tuple[int, ...]
    epochs: int
    others: int

    def write(self, run: Path) -> None:
        write_whole(run / CONFIRMING, json.dumps(dataclasses.asdict(self)) + "\n")

    def words(self, done: int) -> str:
        """How far it is, for a person."""
        *first, last = map(str, self.candidates)
        named = f"candidates {', '.join(first)} and {last}" if first else f"candidate {last}"
        return f"Confirming: {done} of {self.trainings} trainings, of {named}, {self.epochs} epochs each"

    def done(self, run: Path) -> int:
        """How many of them are done."""
        try:
            lines = (run / CONFIRMED).read_bytes().count(b"\n")
        except OSError:
            lines = 0
        return min(max(0, lines - self.others), self.trainings)


def confirming_line(run: Path) -> str | None:
    """`Confirming.words` of the run whose front is being confirmed; None of any other, and of one where nothing is left.
    Whether it is at work, the caller knows."""
    try:
        record = read_json(run / CONFIRMING)
        plan = Confirming(
            int(record["trainings"]), tuple(map(int, record["candidates"])), int(record["epochs"]), int(record["others"])
        )  # fmt: skip
    except (UserError, KeyError, TypeError, ValueError):
        return None
    done = plan.done(run)
    return plan.words(done) if plan.candidates and done < plan.trainings else None
