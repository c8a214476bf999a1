"""The icons of NNI's page as a font."""

from __future__ import annotations

import io
import json
import re

import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont

from execution.pages.icons import FILE, SYMBOLS, icon_font
from tests.execution.nni_bridge.nni_server import SERVER

SCRIPTS = SERVER / "static" / "static" / "js"


@pytest.fixture(scope="module")
def sources():
    """NNI's page as it was written, file by file."""
    found = {}
    for path in SCRIPTS.glob("*.map"):
        record = json.loads(path.read_text())
        found |= {
            n: t for n, t in zip(record["sources"], record.get("sourcesContent") or [], strict=False) if t
        }
    return found


def test_each_letter_is_the_one_that_the_page_writes(sources):
    icons = "".join(text for name, text in sources.items() if "font-icons-mdl2" in name)
    known = {name: int(code, 16) for name, code in re.findall(r"'?(\w+)'?: '\\u([0-9A-Fa-f]{4})'", icons)}
    assert {name: known.get(name) for name in SYMBOLS} == {name: code for name, (code, _) in SYMBOLS.items()}


def test_every_icon_that_the_page_names_is_there(sources):
    own = [text for name, text in sources.items() if "node_modules" not in name]
    named = {name for text in own for name in re.findall(r"(?:iconName|itemIcon)(?::|=)\s*'(\w+)'", text)}
    assert len(named) > 20
    # "info" in small letters is how the page asks for Info; the others are pictures of its own (icons/*.png).
    pictures = {path.stem for path in (SERVER / "static" / "icons").iterdir()}
    assert {name[0].upper() + name[1:] for name in named - pictures} <= SYMBOLS.keys()


def test_every_letter_has_a_shape():
    with TTFont(io.BytesIO(icon_font())) as font:
        glyphs, letters = font.getGlyphSet(), font.getBestCmap()
        assert letters.keys() == {code for code, _ in SYMBOLS.values()}
        for glyph in letters.values():
            pen = RecordingPen()
            glyphs[glyph].draw(pen)
            assert pen.value, glyph
    assert len(icon_font()) < 20_000


def test_the_files_that_the_page_asks_for_are_known_by_their_names(sources):
    names = re.findall(r"fabric-icons[\w-]*\.woff", "".join(sources.values()))
    assert len(set(names)) == 19
    assert all(FILE.fullmatch(name) for name in names)
    assert not FILE.fullmatch("fabric-icons-../x.woff")
