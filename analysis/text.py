"""Numbers and tables as text."""

from __future__ import annotations

from collections.abc import Sequence

_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def count_text(value: float) -> str:
    """A count in three digits with its unit: 1234567 is ``1.23M``; below a thousand it is written whole."""
    for size, unit in _UNITS:
        # What would round to 1000 of a unit is 1 of the next.
        if abs(value) >= size * 0.9995:
            scaled = value / size
            digits = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
            return f"{scaled:.{digits}f}{unit}"
    return f"{value:.0f}"


def tick_text(value: float) -> str:
    """A round number of an axis, as short as it can be: ``1M``, ``2.5M``, ``300k``."""
    for size, unit in _UNITS:
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def percent_text(accuracy: float | None) -> str:
    """An accuracy in [0, 1] as percent with two decimals; a dash for none."""
    return "–" if accuracy is None else f"{100 * accuracy:.2f}"


def duration_text(seconds: float) -> str:
    """``48 s``, ``12 min``, ``3.4 h``."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def table_text(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned to the right, a line under the heading."""
    widths = [max(len(row[i]) for row in (heading, *rows)) for i in range(len(heading))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    first = "  ".join(cell.rjust(width) for cell, width in zip(heading, widths, strict=True))
    return "\n".join([first, "-" * len(first), *lines])
