"""The chart of the report and of the portal's pages: Bokeh's, which is handed a picture, a plain record of points and lines.

Both draw the same front, of up to ten thousands of candidates, and must be there in a second or two; plotly, which they had
once, took 1.3 to 1.9 s to start. Bokeh's two scripts are those of its Python package.

The files here are JavaScript modules. The portal serves them as they are, with Bokeh's scripts (portal_pages.py hands both
to `execution.pages`); the report has them in one script (`analysis.pages.interactive.embedded`), for which an ``import``
is a line at a file's top and an ``export`` the first word of a line.
"""

from importlib.util import find_spec
from pathlib import Path

_FOLDER = Path(__file__).parent
STYLE = _FOLDER / "chart.css"
# In this order: each uses those before it.
CHART = [
    _FOLDER / f"{name}.js"
    for name in ("elements", "scales", "colours", "front_line", "layers", "figure", "legend", "chart")
]
_PACKAGE = find_spec("bokeh")  # the package itself is not imported
if _PACKAGE is None or _PACKAGE.origin is None:
    raise ModuleNotFoundError("bokeh, of which the chart is made, is not installed", name="bokeh")
# In this order, before those.
BOKEH = [
    Path(_PACKAGE.origin).parent / "server" / "static" / "js" / name
    for name in ("bokeh.min.js", "bokeh-api.min.js")
]
