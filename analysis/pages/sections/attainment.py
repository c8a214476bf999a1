"""The report's part on how sure a front is over several runs."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.pages import html
from analysis.pictures.studies import draw_attainment, picture
from analysis.run import Run
from analysis.studies.attainment import Attainment, attainment
from records.text import count_text


def attainment_section(runs: Sequence[Run], names: Sequence[str]) -> tuple[str, str] | None:
    """None for fewer than two runs of one data set."""
    found = attainment(runs, names)
    if found is None:
        return None
    rows = [(html.Cell(h, f"{100 * h:.2f}"), n) for h, n in zip(found.hypervolumes, found.runs, strict=True)]
    drawn = picture(lambda axes: draw_attainment(axes, found, [run for run in runs if run.ok]))
    parts = [
        html.paragraph(f"{attainment_text(found)}."),
        html.image(
            drawn, "accuracy that a quarter, half and three quarters of the runs reached, against MACs"
        ),
        html.html_table(("hypervolume %", "run"), rows),
    ]
    return f"How sure the front is over {len(found.runs)} runs", "".join(parts)


def attainment_text(found: Attainment) -> str:
    """A sentence or two."""
    low, middle, high = (100 * share for share in found.quartiles)
    alike = (
        "differ in their seed alone"
        if found.alike
        else "differ in more than their seed: their spread is not noise alone"
    )
    return (
        f"The median hypervolume of {len(found.runs)} runs is {middle:.2f}%, the quartiles {low:.2f} and {high:.2f} (up to "
        f"{count_text(found.limit)} MACs). These runs {alike}. A surface tells which accuracy that share of the runs reached "
        "for no more MACs"
    )
