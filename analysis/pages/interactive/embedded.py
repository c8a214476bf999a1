"""The interactive part as HTML: the record and plotly, each compressed, and the scripts that unpack and draw them.

plotly comes from its package, so that nothing is fetched. Both are gzip in base64: nothing within can end the script
element in which it stands, and the file is half as large as with plotly as it is.
"""

from __future__ import annotations

import base64
import functools
import gzip
import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from records.errors import UserError

# In this order: each uses those before it.
SCRIPTS = (
    "numbers.js", "colours.js", "drawing.js", "front.js", "filters.js", "candidates.js", "coordinates.js", "start.js",
)  # fmt: skip
_FOLDER = Path(__file__).parent


@functools.cache
def plotly_source() -> str:
    """plotly.js, minified. Raises `UserError` where the package lacks it."""
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise UserError("the report needs the package plotly, which is not installed: pip install plotly")
    return (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@functools.cache
def own_script() -> str:
    """This folder's scripts as one, whose names no other script sees."""
    parts = [(_FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "\n})();"


def interactive_html(record: Mapping[str, Any]) -> str:
    """An empty place for the interactive front and what fills it; it stays empty without JavaScript."""
    return (
        '<div id="interactive" hidden></div><p id="interactive-failed" class="note" hidden></p>'
        f'<script type="text/plain" id="packed-plotly">{_packed_plotly()}</script>'
        f'<script type="text/plain" id="packed-record">{packed(json.dumps(record, separators=(",", ":")))}</script>'
    )


def scripts() -> tuple[Sequence[str], Sequence[str]]:
    """Of a page with `interactive_html` those that run at its end, and those that these may start: plotly."""
    return (own_script(),), (plotly_source(),)


def packed(text: str) -> str:
    """gzip in base64; equal texts give equal ones."""
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


@functools.cache
def _packed_plotly() -> str:
    return packed(plotly_source())
