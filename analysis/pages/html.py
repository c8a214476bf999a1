"""A run as one self-contained HTML file: nothing is fetched, and everything from the run is escaped.

The page's security policy names its scripts by their hashes, so no other ones run: one sorts tables, and a page with an
interactive part has those of that.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from analysis.pages.chart import STYLE

FRONT = "front"  # the name of the heading above the front
NARROW = 368  # pixels that a page of 400 has for a picture
LONG = 30  # letters from which on a cell may break between words
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
const words = document.querySelectorAll("details.words:not([open])");
addEventListener("beforeprint", () => words.forEach(each => { each.dataset.was = each.open; each.open = true; }));
addEventListener("afterprint", () => words.forEach(each => { each.open = each.dataset.was === "true"; }));
"""


@dataclass(frozen=True)
class Cell:
    """A table's cell that is sorted by ``value`` and shows ``text``."""

    value: float
    text: str


@dataclass(frozen=True)
class Candidate:
    """A table's cell with a candidate's index: a link to the front, where it is then chosen."""

    index: int


@dataclass(frozen=True)
class Code:
    """A table's cell with a command, which breaks between words alone."""

    text: str


def page(
    title: str, parts: Iterable[str], *, scripts: Sequence[str] = (), unpacked: Sequence[str] = ()
) -> str:
    """A whole page. ``parts`` are HTML already; ``scripts`` run at its end, and may run those that they unpack of it."""
    runs = (_SCRIPT, *scripts)
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in (*runs, *unpacked))
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {hashes}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{escape(title)}</title><style>{_style()}</style></head><body><h1>{escape(title)}</h1>"
        + "".join(parts)
        + "".join(f"<script>{script}</script>" for script in runs)
        + "</body></html>\n"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@functools.cache
def _style() -> str:
    own = Path(__file__).with_name("page.css")
    return "".join(path.read_text(encoding="utf-8") for path in (own, STYLE))


def heading(text: str, name: str = "") -> str:
    """``name``: what a link in the page calls it."""
    named = f' id="{name}"' if name else ""
    return f"<h2{named}>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def note(text: str) -> str:
    """What explains, in small grey letters."""
    return f'<p class="note">{escape(text)}</p>'


def folded(title: str, parts: Iterable[str], *, kind: str = "") -> str:
    """``parts``, HTML already, that a click on ``title`` shows; those of the kind "words" stand open on paper."""
    named = f' class="{kind}"' if kind else ""
    return f"<details{named}><summary>{escape(title)}</summary>{''.join(parts)}</details>"


def definitions(words: Iterable[tuple[str, str]]) -> str:
    """Words and what each means."""
    return (
        f"<dl>{''.join(f'<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>' for word, meaning in words)}</dl>"
    )


def image(png: bytes, description: str) -> str:
    """At most as wide as the page; at least half as wide as it was drawn, so that it can be read: on a narrower page it is
    scrolled sideways."""
    data, least = (
        base64.b64encode(png).decode(),
        int.from_bytes(png[16:20], "big") // 2,
    )  # its width, by the format
    kind = "picture wide" if least > NARROW else "picture"
    alt = escape(description, quote=True)
    return f'<p class="{kind}"><img alt="{alt}" style="min-width:{least}px" src="data:image/png;base64,{data}"></p>'


def html_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, names: bool = False) -> str:
    """``names``: the cells are text rather than numbers, in an order that stays."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    kind = ' class="names"' if names else ""
    return f'<div class="scroll"><table{kind}><tr>{head}</tr>{body}</table></div>'


def _cell(cell: Any) -> str:
    if isinstance(cell, Code):
        words = " ".join(f"<span>{escape(word)}</span>" for word in cell.text.split(" "))
        return f"<td><code>{words}</code></td>"
    if isinstance(cell, Candidate):
        return f'<td><a href="#{FRONT}" data-candidate="{cell.index}">{cell.index}</a></td>'
    value, text = (
        (f' data-value="{float(cell.value)!r}"', cell.text) if isinstance(cell, Cell) else ("", str(cell))
    )
    return f"<td{value}{' class=long' if len(text) > LONG else ''}>{escape(text)}</td>"
