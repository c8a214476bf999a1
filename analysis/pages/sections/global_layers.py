"""The report's answer to whether global layers pay."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.pages import html
from analysis.pictures.studies import draw_comparison, draw_differences, picture
from analysis.studies.global_layers import Comparison

METHOD = (
    "Candidates of one run with MACs that differ by a tenth at most are paired (the assignment of least total difference, "
    "Rosenbaum 1989). What is left of a difference in MACs is taken off by the slope of accuracy over log MACs (Abadie and "
    "Imbens 2011)."
)
OF_THE_INTERVAL = (
    "The interval is Student's t over the pairs. A strategy that learns proposes more of what did well: its "
    "candidates are no random draw, and the pairs are then less independent than the interval supposes."
)


def comparison_html(found: Sequence[Comparison]) -> str:
    """The answers, and pictures of the one that has pairs; that of the differences and of their interval where there are
    enough of them."""
    parts = [html.paragraph(f"{each.answer}.") for each in found]
    shown = next((each for each in found if each.pairs), None)
    if shown is None:
        return "".join([*parts, html.paragraph(METHOD)])
    drawn = picture(lambda axes: draw_comparison(axes, shown))
    parts.append(html.image(drawn, f"candidates {shown.first} and {shown.second}"))
    if not shown.enough:
        return "".join([*parts, html.paragraph(METHOD)])
    drawn = picture(lambda axes: draw_differences(axes, shown), height=2.6)
    parts += [html.image(drawn, "differences of the pairs"), html.paragraph(f"{METHOD} {OF_THE_INTERVAL}")]
    return "".join(parts)
