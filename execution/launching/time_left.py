"""How long a running search will still take, by how long its latest candidates took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

_LATEST = 10  # candidates


def seconds_left(ended: Sequence[str | None], left: int, since: str, now: datetime) -> float | None:
    """Of a search with ``left`` candidates to measure. ``ended`` are the times at which those it has were measured, and
    ``since`` when its process began, all ISO times in UTC. None where none was measured since then."""
    begun = moment(since)
    times = sorted(
        time for each in ended if (time := moment(each)) is not None and (begun is None or time >= begun)
    )
    if begun is None or not times:
        return None
    latest = times[-_LATEST:]
    first = begun if len(times) <= _LATEST else times[-_LATEST - 1]
    each = (latest[-1] - first).total_seconds() / len(latest)
    return max(0.0, left * each - (now - latest[-1]).total_seconds())


def moment(text: str | None) -> datetime | None:
    """An ISO time; None for what is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
