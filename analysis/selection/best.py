"""Which candidate a search's user should take."""

from __future__ import annotations

from analysis.run import Run
from records.errors import UserError
from records.measurement import Measurement


def best(run: Run, max_macs: int | None = None) -> Measurement:
    """The most accurate candidate with at most ``max_macs`` MACs; among equals the one with fewest MACs. Where some
    were confirmed by other seeds, it is one of these, by its mean.

    Raises:
        UserError: nothing was measured, or nothing is within the budget (naming the smallest there is).
    """
    ok = run.require_ok()
    within = [m for m in ok if max_macs is None or m.macs <= max_macs]
    if not within:
        smallest = min(m.macs for m in ok)
        raise UserError(
            f"max_macs is {max_macs:,}, but no candidate of {run.path} has so few MACs; the smallest has "
            f"{smallest:,}"
        )
    known = [m for m in within if m.index in run.confirmed] or within
    return min(known, key=lambda m: (-run.trusted(m), m.macs, m.index))
