"""Figures without global state: a fixed style, an Agg canvas, and files that depend on what is drawn alone."""

from __future__ import annotations

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names

from records.errors import UserError
from records.files import write_whole

DPI = 160
INK, GREY, FAINT = "#1b1f24", "#6b7280", "#d5d9de"
# Okabe and Ito's colours: told apart with any kind of colour vision. Lightness differs too, for grey print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_FOR_OTHER_LETTERS = (
    "Noto Sans CJK JP", "Noto Sans", "Noto Sans Arabic", "Noto Sans Devanagari", "WenQuanYi Zen Hei",
    "Arial Unicode MS", "PingFang SC", "Hiragino Sans", "Microsoft YaHei", "Yu Gothic", "Segoe UI",
)  # fmt: skip
_STYLE: Any = {
    "font.size": 9.5,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": False,  # a name with dollars is a name
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.hashsalt": "pde-nas",
    "svg.fonttype": "path",
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Matplotlib's own defaults and this project's style, whatever the user's settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        matplotlib.rcParams["font.family"] = _families()
        with warnings.catch_warnings():
            # A name in letters that no installed font has: the tables say it.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            yield


@functools.cache
def _families() -> list[str]:
    """Matplotlib's own font, and for letters that it lacks those of `_FOR_OTHER_LETTERS` that are installed."""
    return ["DejaVu Sans", *(name for name in _FOR_OTHER_LETTERS if name in get_font_names())]


def new_figure(width: float, height: float) -> Figure:
    """A white figure of that size in inches with an Agg canvas, so that texts can be measured."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as PNG; equal figures give equal bytes."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG; equal figures give equal bytes."""
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    return buffer.getvalue().encode("utf-8")


_FORMATS = {".png": png, ".svg": svg}


def save(figure: Figure, path: str | Path) -> Path:
    """Writes a figure, in the format that the name ends in. Raises `UserError`."""
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise UserError(f"picture is {path.name!r}; accepted: a name that ends in {' or '.join(_FORMATS)}")
    return write_whole(path, _FORMATS[path.suffix.lower()](figure))
