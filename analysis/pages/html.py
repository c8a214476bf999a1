"""A run as one self-contained HTML file: nothing is fetched, and everything from the run is escaped.

One script sorts tables. The page's security policy names that script by its hash, so no other one runs.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
img { max-width: 100% } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #d5d9de; text-align: right; vertical-align: top }
th { color: #6b7280; font-weight: 600 } td:last-child, th:last-child { text-align: left }
table:not(.names) th { cursor: pointer } th[aria-sort=ascending]::after { content: " ▲" }
th[aria-sort=descending]::after { content: " ▼" }
.names td, .names th { text-align: left; overflow-wrap: anywhere } .scroll { overflow-x: auto }
"""
# A click sorts by a column, the next one the other way round; what has no number comes last.
_SCRIPT = """
document.querySelectorAll("table:not(.names)").forEach(table => {
  const heads = [...table.rows[0].cells];
  heads.forEach((head, column) => head.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const order = (a, b) => {
      const x = key(a), y = key(b), p = parseFloat(x), q = parseFloat(y);
      if (isNaN(p) !== isNaN(q)) return isNaN(p) ? 1 : -1;
      return (up ? 1 : -1) * (isNaN(p) ? x.localeCompare(y) : p - q);
    };
    const rows = [...table.rows].slice(1).sort(order);
    rows.forEach(row => row.parentNode.appendChild(row));
  }));
});
"""


@dataclass(frozen=True)
class Cell:
    """A table's cell that is sorted by ``value`` and shows ``text``."""

    value: float
    text: str


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page. ``parts`` are HTML already."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        + "".join(parts)
        + f"<script>{_SCRIPT}</script></body></html>\n"
    )


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def image(png: bytes, description: str) -> str:
    data = base64.b64encode(png).decode()
    return f'<p><img alt="{escape(description, quote=True)}" src="data:image/png;base64,{data}"></p>'


def html_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, names: bool = False) -> str:
    """``names``: the cells are text rather than numbers, in an order that stays."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    kind = ' class="names"' if names else ""
    return f'<div class="scroll"><table{kind}><tr>{head}</tr>{body}</table></div>'


def _cell(cell: Any) -> str:
    if isinstance(cell, Cell):
        return f'<td data-value="{float(cell.value)!r}">{escape(cell.text)}</td>'
    return f"<td>{escape(str(cell))}</td>"
