"""The report's parts on what matters: importance of decisions, what stands on the front, how architecture weights moved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from analysis.pages import html
from analysis.pictures.studies import draw_frequency, draw_importance, draw_weights, picture
from analysis.run import Run
from analysis.studies.frequency import Frequency, frequencies
from analysis.studies.importance import FOLDS, Importance, importances

_HOW = (
    "Importance: a random forest learns accuracy, or the logarithm of MACs, from how often a candidate has each operation and "
    f"from its sizes. Of each of {FOLDS} parts that it did not learn from, one decision is shuffled; half of what the share of "
    "explained variance falls by is that decision's share of the variance, where decisions do not depend on each other "
    "(Breiman 2001; Gregorutti et al. 2017). Lines are standard deviations over the parts."
)
_CHANCE = (
    "How often each operation stands on the front and among all candidates, of every hundred; likewise kinds and steps of global layers, "
    "and sizes. The band is where 95 of 100 random sets of as many "
    "candidates lie: one row in twenty leaves it by chance."
)


def matters_section(runs: Sequence[Run], names: Sequence[str]) -> tuple[str, str] | None:
    """Of all candidates of runs of one data set together; None where none was judged."""
    if not any(run.ok for run in runs) or len({run.dataset for run in runs}) > 1:
        return None
    measurements = [m for run in runs for m in run.ok]
    found, often = importances(measurements), frequencies(measurements)
    parts = [_importance(each) for each in found if each.shares]
    if left := [each for each in found if not each.shares]:
        parts.append(html.paragraph(f"How much each decision matters cannot be told {_left(left)}."))
    if any(each.shares for each in found):
        parts.append(html.paragraph(_HOW))
    if often:
        rows = sum(1 for _ in often)
        drawn = picture(lambda axes: draw_frequency(axes, often), height=0.9 + 0.2 * rows, left=2.6)
        parts += [
            html.paragraph(_CHANCE),
            html.image(drawn, "shares on the front and everywhere"),
            _table(often),
        ]
    return "What matters", "".join(parts)


def _left(found: Sequence[Importance]) -> str:
    """Of what, and why not; what has one reason together."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for each in found:
        reasons.setdefault((each.among, each.reason or ""), []).append(each.target)
    return "; ".join(
        f"for {' and '.join(targets)} of {among}: {why}" for (among, why), targets in reasons.items()
    )


def _importance(found: Importance) -> str:
    about = f"{found.target[:1].upper()}{found.target[1:]}, {found.among} (n = {found.candidates})"
    name, share, _ = found.shares[0]
    told = f"{about}: the forest explains {100 * found.explained:.0f}% of the variance; {name} matters most, {100 * share:.0f}%."
    height = 0.9 + 0.22 * min(len(found.shares), 12)
    drawn = picture(lambda axes: draw_importance(axes, found), height=height, left=2.6)
    return html.paragraph(told) + html.image(drawn, f"importance for {found.target} among {found.among}")


def _table(often: Sequence[Frequency]) -> str:
    rows = [
        (
            each.name,
            each.group,
            f"{100 * each.on_front:.1f}",
            f"{100 * each.everywhere:.1f}",
            f"{100 * each.chance[0]:.1f} to {100 * each.chance[1]:.1f}",
            each.told,
        )
        for each in often
    ]
    columns = ("what", "kind", "on the front %", "among all %", "by chance %", "against chance")
    return html.html_table(columns, rows, names=True)


def weights_section(runs: Sequence[Run], names: Sequence[str]) -> tuple[str, str] | None:
    """Of one-shot searches; None where there is none."""
    parts = []
    for run, name in zip(runs, names, strict=True):
        if run.supernet is None:
            continue
        counts = dict(run.supernet.weights or run.supernet.derived)
        what = (
            "the mean number of edges that have each operation, by the architecture weights"
            if run.supernet.weights
            else "edges of the derived cells that have each operation (this run did not record its weights)"
        )
        drawn = picture(partial(_with_room, counts=counts), height=3.4)
        parts += [html.paragraph(f"{name}, after each epoch: {what}."), html.image(drawn, what)]
    return ("How the architecture weights moved", "".join(parts)) if parts else None


def _with_room(axes: Any, counts: dict[str, tuple[float, ...]]) -> None:
    draw_weights(axes, counts)
    box = axes.get_position()
    axes.set_position((box.x0, box.y0, 0.7 * box.width, box.height))
