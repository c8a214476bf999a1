"""The interactive part as HTML: the record and the scripts that draw it, compressed, and the script that unpacks both.

They are gzip in base64, a third of Bokeh's size, and nothing within can end the script element in which it stands.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.pages.chart import BOKEH, CHART

# In this order: each uses those before it.
SCRIPTS = (
    "numbers.js", "colours.js", "drawing.js", "front.js", "filters.js", "candidates.js", "coordinates.js", "start.js",
)  # fmt: skip
_FOLDER = Path(__file__).parent
# Runs as it is, and unpacks the others.
LOADER = (_FOLDER / "loader.js").read_text(encoding="utf-8")
# Of a JavaScript module what a script must not have.
_MODULE_WORDS = re.compile(r"^(?:import [^;]*;\n|export (?=const|function|class))", re.MULTILINE)


@functools.cache
def own_script() -> str:
    """The chart's modules and this folder's scripts as one, whose names no other script sees."""
    parts = [_MODULE_WORDS.sub("", path.read_text(encoding="utf-8")) for path in CHART]
    parts += [(_FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "\n})();"


@functools.cache
def drawing_script() -> str:
    """All that draws: Bokeh's scripts and `own_script`. The page holds it packed; its policy has to allow it."""
    return "\n;\n".join([*(path.read_text(encoding="utf-8") for path in BOKEH), own_script()])


def interactive_html(record: Mapping[str, Any]) -> str:
    """An empty place for the interactive front and what fills it; it stays empty without JavaScript."""
    return (
        '<div id="interactive" hidden></div><p id="interactive-failed" class="note" hidden></p>'
        f'<script type="text/plain" id="packed-script">{_packed_script()}</script>'
        f'<script type="text/plain" id="packed-record">{packed(json.dumps(record, separators=(",", ":")))}</script>'
    )


@functools.cache
def _packed_script() -> str:
    return packed(drawing_script())


def packed(text: str) -> str:
    """gzip in base64; equal texts give equal ones."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
