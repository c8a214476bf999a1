"""A run as one self-contained HTML file: no script, nothing fetched, everything from the run escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
img { max-width: 100% } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #d5d9de; text-align: right; vertical-align: top }
th { color: #6b7280; font-weight: 600 } td:last-child, th:last-child { text-align: left }
.names td, .names th { text-align: left; overflow-wrap: anywhere } .scroll { overflow-x: auto }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page. ``parts`` are HTML already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        + "".join(parts)
        + "</body></html>\n"
    )


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def image(png: bytes, description: str) -> str:
    data = base64.b64encode(png).decode()
    return f'<p><img alt="{escape(description, quote=True)}" src="data:image/png;base64,{data}"></p>'


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, names: bool = False) -> str:
    """``names``: the cells are text rather than numbers."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    kind = ' class="names"' if names else ""
    return f'<div class="scroll"><table{kind}><tr>{head}</tr>{body}</table></div>'
