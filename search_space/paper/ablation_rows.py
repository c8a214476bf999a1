"""The ablations' networks with their counts, beside those measured on the authors' classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from search_space.paper.ablations import ABLATIONS, Measured, measured
from search_space.paper.network import MEASURED, PublishedNetwork
from search_space.paper.networks import published
from search_space.paper.rows import columns_text, write_lines

DESCRIBED = "described"


@dataclass(frozen=True)
class AblationRow:
    """A network of the ablations for a number of classes.

    ``standing`` is ``measured`` where its counts were measured on the authors' classes, ``inferred`` where its form was
    chosen by what they noted, and ``described`` where their script says what it is and its counts are not known.
    """

    network: str
    classes: int
    params: int
    macs_published: int
    macs: int
    measured_params: int | None
    measured_macs: int | None
    standing: str
    note: str


def ablation_rows() -> list[AblationRow]:
    """Those measured, once for each number of classes, and the others for their own."""
    facts: dict[str, dict[int, Measured]] = {}
    for fact in measured():
        facts.setdefault(fact.network, {})[fact.classes] = fact
    return [
        _row(network, classes, fact)
        for network in ABLATIONS
        for classes, fact in facts.get(network.name, {network.classes: None}).items()
    ]


def _row(network: PublishedNetwork, classes: int, fact: Measured | None) -> AblationRow:
    cost = published(network.name, num_classes=classes).cost()
    own = (network.name, classes, cost.params, cost.macs_published, cost.macs)
    if fact is not None:
        return AblationRow(*own, fact.params, fact.macs_published, MEASURED, network.note)
    standing = DESCRIBED if network.basis == MEASURED else network.basis
    return AblationRow(*own, None, None, standing, network.note)


def ablation_table(rows: Iterable[AblationRow]) -> str:
    """The rows as aligned text, one line each under a heading."""
    heading = ("network", "classes", "params", "MACs (published)", "MACs",
               "measured params", "measured MACs", "standing")  # fmt: skip
    lines = [heading]
    for row in rows:
        counts = (row.params, row.macs_published, row.macs, row.measured_params, row.measured_macs)
        shown = ["-" if count is None else f"{count:,}" for count in counts]
        lines.append(
            (row.network, str(row.classes), *shown, row.standing + (f": {row.note}" if row.note else ""))  # type: ignore[arg-type]
        )
    return columns_text(lines, range(1, 7))


def write_csv(rows: Iterable[AblationRow], path: str | Path) -> Path:
    """Writes the rows with a heading. Raises ``UserError`` where it cannot."""
    return write_lines([field.name for field in fields(AblationRow)], map(astuple, rows), path)
