"""The chart of the report and of the portal's pages: points and lines on a canvas, in plain JavaScript.

Both draw the same front, of up to ten thousands of candidates, and must be there in a second or two. plotly, which they had
before, took 1.3 to 1.9 s to start, 4.7 MB, and for each point an element of the page.

The files are JavaScript modules. The portal serves them as they are (portal_pages.py hands them to `execution.pages`); the
report has them in one script (`analysis.pages.interactive.embedded`), for which an ``import`` is a line at a file's top and
an ``export`` the first word of a line.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent
STYLE = _FOLDER / "chart.css"
# In this order: each uses those before it.
CHART = [
    _FOLDER / f"{name}.js"
    for name in (
        "elements",
        "scales",
        "colours",
        "front_line",
        "marks",
        "frame",
        "axes",
        "legend",
        "pointer",
        "chart",
    )
]
