"""How the interactive part gets into the page."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

from analysis.pages.chart import BOKEH, CHART
from analysis.pages.interactive import embedded
from analysis.pages.interactive.embedded import LOADER, drawing_script, interactive_html, own_script, packed


def unpacked(page: str, name: str) -> str:
    (text,) = re.findall(rf'<script type="text/plain" id="{name}">(.*?)</script>', page)
    return gzip.decompress(base64.b64decode(text)).decode()


def test_the_page_holds_the_record_compressed():
    record = {"runs": [{"name": "</script><script>alert(1)</script>"}]}
    page = interactive_html(record)
    assert json.loads(unpacked(page, "packed-record")) == record
    assert "alert" not in page


def test_the_page_holds_the_scripts_compressed_the_library_before_those_that_use_it():
    text = unpacked(interactive_html({}), "packed-script")
    assert text == drawing_script()
    library, api = (path.read_text() for path in BOKEH)
    assert text.index(library) < text.index(api) < text.index(own_script())
    assert len(packed(text)) < len(text) / 2


def test_equal_records_give_equal_pages():
    assert packed("text") == packed("text")


def test_every_script_of_the_folders_is_in_the_one_that_runs():
    names = {path.name for path in Path(embedded.__file__).parent.glob("*.js")}
    assert names == {*embedded.SCRIPTS, "loader.js"}
    assert sorted(CHART) == sorted(CHART[0].parent.glob("*.js"))
    assert "</script" not in LOADER  # it would end there; the others are packed
    assert not re.search(r"^\s*(import|export)\b", own_script(), re.MULTILINE)


def test_no_two_scripts_have_one_name_for_different_things():
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", own_script(), re.MULTILINE)
    assert len(names) > 80
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)


def test_modules_of_the_chart_name_those_before_them_alone():
    for place, path in enumerate(CHART):
        used = re.findall(r'from "\./(.*)"', path.read_text())
        assert set(used) <= {each.name for each in CHART[:place]}


def test_nothing_is_fetched_and_no_text_is_run():
    for word in ("http:", "https:", "fetch(", "eval(", "innerHTML", "import("):
        assert word not in (LOADER + own_script()).replace("http://www.w3.org/2000/svg", "")
