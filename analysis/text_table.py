"""Tables as text; the numbers in them are written by `records.text`."""

from __future__ import annotations

from collections.abc import Sequence

from records.text import count_text, duration_text, percent_text, tick_text


def table_text(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned to the right, a line under the heading."""
    widths = [max(len(row[i]) for row in (heading, *rows)) for i in range(len(heading))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    first = "  ".join(cell.rjust(width) for cell, width in zip(heading, widths, strict=True))
    return "\n".join([first, "-" * len(first), *lines])


__all__ = ["count_text", "duration_text", "percent_text", "table_text", "tick_text"]
