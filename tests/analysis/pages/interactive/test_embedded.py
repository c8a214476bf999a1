"""How the interactive part gets into the page."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

from analysis.pages.interactive import embedded
from analysis.pages.interactive.embedded import interactive_html, own_script, packed, plotly_source, scripts


def unpacked(page: str, name: str) -> str:
    (text,) = re.findall(rf'<script type="text/plain" id="{name}">(.*?)</script>', page)
    return gzip.decompress(base64.b64decode(text)).decode()


def test_the_page_holds_the_record_and_plotly():
    record = {"runs": [{"name": "</script><script>alert(1)</script>"}]}
    page = interactive_html(record)
    assert json.loads(unpacked(page, "packed-record")) == record
    assert unpacked(page, "packed-plotly") == plotly_source()
    assert "alert" not in page
    assert len(page) < 2_200_000


def test_equal_records_give_equal_pages():
    assert packed("text") == packed("text")


def test_every_script_of_the_folder_is_in_the_one_that_runs():
    names = {path.name for path in Path(embedded.__file__).parent.glob("*.js")}
    assert names == set(embedded.SCRIPTS)
    (own,), (plotly,) = scripts()
    assert own == own_script()
    assert plotly.startswith("/**\n* plotly.js v")
    assert "</script" not in own  # it would end there


def test_nothing_is_fetched_and_no_text_is_run():
    for word in ("http:", "https:", "fetch(", "eval(", "innerHTML", "import("):
        assert word not in own_script().replace("http://www.w3.org/2000/svg", "")
