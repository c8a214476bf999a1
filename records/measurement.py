"""What is known of one candidate once it was judged: one line of a run folder's ``candidates.jsonl``."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

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

    The genotype of one that was read from a file is kept as text and made of it whenever it is asked for: as objects
    the genotypes of a long search would take ten times the memory of everything else.

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
        if not record.keys() >= _NEEDED:
            missing = [name for name in _NAMES if name in _NEEDED and name not in record]
            raise UserError(
                f"a candidate's record lacks {', '.join(missing)}; it has {', '.join(record) or 'nothing'}"
            )
        found = cls.__new__(cls)  # `__init__` of a frozen class takes ten times as long; it does nothing else
        held = found.__dict__
        for name in _NAMES:
            if name in record:
                held[name] = record[name]
        held["history"] = tuple(record.get("history", ()))
        return found

    def with_text(self, genotype: str) -> Measurement:
        """This one, from now on with the text of its genotype's JSON in place of the object."""
        del self.__dict__["genotype"]
        self.__dict__["_genotype"] = genotype
        return self

    if not TYPE_CHECKING:  # a reader of types would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            text = self.__dict__.get("_genotype") if name == "genotype" else None
            if text is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            try:
                return json.loads(text)
            except ValueError as error:
                raise UserError(
                    f"the genotype of candidate {self.index} is damaged: it is not JSON"
                ) from error


_NAMES = tuple(field.name for field in dataclasses.fields(Measurement))
_NEEDED = frozenset(f.name for f in dataclasses.fields(Measurement) if f.default is dataclasses.MISSING)
