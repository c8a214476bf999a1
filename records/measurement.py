"""What is known of one candidate once it was judged: one line of a run folder's ``candidates.jsonl``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from records.errors import UserError

Status = Literal["ok", "failed", "cancelled", "rejected", "partial"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class Measurement:
    """One candidate's outcome.

    ``accuracy`` is the validation accuracy in [0, 1] after the last epoch (None unless ``status`` is "ok":
    "cancelled" is what the portal's user ended, "rejected" what was found above a budget and not trained); it is
    also that of a "partial" one, which was trained in part only, and is comparable with none but its like; ``history``
    its value after each epoch; ``macs``, ``macs_published`` and ``params`` are for one image (see
    ``pde_ops.cost``); ``seconds`` is the wall time of the trial; ``seed`` seeds weights and batches; ``seen`` is how
    many results of earlier candidates the strategy had been shown when it proposed this one; ``latency`` is the time
    of one image through the network, in milliseconds, where it was measured (see ``training.latency``).
    Where a strategy trains in stages, ``epochs`` and ``share`` are until when and on how much of the training images
    it was trained, and ``continues`` is the index of the candidate from which it went on.

    Examples:
        >>> failed = Measurement(0, {}, "failed", None, macs=9, macs_published=9, params=1, seconds=2.0, seed=0, error="no data")
        >>> Measurement.from_json(failed.to_json()) == failed
        True
    """

    index: int
    genotype: dict[str, Any]
    status: Status
    accuracy: float | None
    macs: int
    macs_published: int
    params: int
    seconds: float
    seed: int
    history: tuple[float, ...] = ()
    trial: str | None = None
    error: str | None = None
    time: str | None = None
    seen: int | None = None
    latency: float | None = None
    epochs: int | None = None
    share: float | None = None
    continues: int | None = None

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"history": list(self.history)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Measurement:
        """Reads what ``to_json`` wrote; fields it does not know are left out, so old code reads new runs."""
        known = {f.name for f in dataclasses.fields(cls)}
        missing = [
            f.name
            for f in dataclasses.fields(cls)
            if f.default is dataclasses.MISSING and f.name not in record
        ]
        if missing:
            raise UserError(
                f"a candidate's record lacks {', '.join(missing)}; it has {', '.join(record) or 'nothing'}"
            )
        fields = {name: value for name, value in record.items() if name in known}
        return cls(**fields | {"history": tuple(fields.get("history", ()))})
