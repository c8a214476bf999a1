"""The icons of NNI's page as a font, made of symbols of DejaVu Sans, which matplotlib brings along.

The page draws icons as letters of a private range, and loads 20 fonts for them from a host on the internet; without it
they are boxes. Here is one font in place of these all, with the letters that the page asks for.
"""

from __future__ import annotations

import functools
import io
import re
from pathlib import Path

FILE = re.compile(r"fabric-icons(-\d+)?-[0-9a-f]+\.woff")  # as the page asks for them
# Letter of the page, by the name that it has there, and the symbol that stands for it.
SYMBOLS = {
    "Add": (0xE710, "+"), "BarChartHorizontal": (0xE9EB, "▤"), "Blocked": (0xE733, "⊘"), "Blocked2": (0xECE4, "⊘"),
    "BulletedList": (0xE8FD, "☰"), "Calendar": (0xE787, "▦"), "Cancel": (0xE711, "✕"), "CheckMark": (0xE73E, "✓"),
    "ChevronDown": (0xE70D, "▾"), "ChevronDownMed": (0xE972, "▾"), "ChevronLeft": (0xE76B, "‹"),
    "ChevronRight": (0xE76C, "›"), "ChevronRightMed": (0xE974, "›"), "ChevronUp": (0xE70E, "▴"),
    "CircleRing": (0xEA3A, "○"), "CircleShapeSolid": (0xF63C, "●"), "Clear": (0xE894, "✕"), "Completed": (0xE930, "✓"),
    "CompletedSolid": (0xEC61, "✔"), "Copy": (0xE8C8, "❐"), "CustomList": (0xEEBE, "☰"), "DisableUpdates": (0xE8D8, "⊘"),
    "Download": (0xE896, "⬇"), "Edit": (0xE70F, "✎"), "Equalizer": (0xE9E9, "☷"), "ErrorBadge": (0xEA39, "⊗"),
    "Filter": (0xE71C, "▽"), "FlowChart": (0xE9D4, "⊞"), "GripperBarVertical": (0xE784, "⋮"),
    "GroupedDescending": (0xEE66, "↓"), "HomeGroup": (0xEC26, "⌂"), "Important": (0xE8C9, "!"), "Info": (0xE946, "ℹ"),
    "LineChart": (0xE9E6, "∿"), "M365InvoicingLogo": (0xF7C1, "▤"), "Market": (0xEAFC, "↗"), "MarketDown": (0xEF42, "↘"),
    "More": (0xE712, "⋯"), "Refresh": (0xE72C, "↻"), "ReminderTime": (0xEBF9, "◷"), "ReplyAll": (0xEE0A, "↰"),
    "RevToggleKey": (0xE845, "⇄"), "Search": (0xE721, "⊙"), "Sort": (0xE8CB, "↕"), "SortDown": (0xEE69, "↓"),
    "SortUp": (0xEE68, "↑"), "StackedLineChart": (0xF24E, "≈"), "StatusCircleBlock": (0xF140, "⊘"),
    "StatusCircleCheckmark": (0xF13E, "✓"), "StatusCircleErrorX": (0xF13D, "✕"), "Tag": (0xE8EC, "⚑"),
    "TestParameter": (0xF3AD, "⚙"), "Timer": (0xE91E, "◷"), "Warning": (0xE7BA, "⚠"),
}  # fmt: skip


@functools.cache
def icon_font() -> bytes:
    """The font, as WOFF."""
    import matplotlib
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    options = Options()
    options.layout_features, options.hinting, options.notdef_outline = [], False, True
    options.drop_tables += ["FFTM"]
    with TTFont(path, lazy=True) as font:
        wanted = {code: ord(symbol) for code, symbol in SYMBOLS.values()}
        cut = Subsetter(options)
        cut.populate(unicodes=wanted.values())
        cut.subset(font)
        glyphs = font.getBestCmap()
        for table in font["cmap"].tables:
            table.cmap = (
                {code: glyphs[symbol] for code, symbol in wanted.items()} if table.isUnicode() else {}
            )
        font.flavor = "woff"
        made = io.BytesIO()
        font.save(made)
    return made.getvalue()
