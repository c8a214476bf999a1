"""How a supernet was trained: accuracy, MACs and entropy over its epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.pictures.canvas import COLOURS, FAINT, GREY, new_figure, png, style
from analysis.pictures.curves import Curve
from analysis.supernet import Supernet
from records.text import tick_text


@dataclass(frozen=True)
class SupernetPanel:
    """Curves over epochs 1, 2, ... in the unit of ``y_label``; ``levels`` are lines across, by name."""

    y_label: str
    curves: tuple[Curve, ...]
    levels: tuple[tuple[str, float], ...] = ()


def supernet_panels(supernet: Supernet) -> list[SupernetPanel]:
    """Validation accuracy in percent, expected and derived MACs, and entropy in nats."""
    return [
        SupernetPanel(
            "validation accuracy (%) →",
            (Curve("supernet", tuple(100 * share for share in supernet.accuracies), True),),
        ),
        SupernetPanel(
            "← MACs of one image",
            (
                Curve("expected", supernet.expected_macs, True),
                Curve("derived", supernet.derived_macs, True),
            ),
        ),
        SupernetPanel(
            "entropy (nats)",
            (Curve("architecture weights", supernet.entropies, True),),
            (("equal weights", supernet.equal_entropy), ("found below this", supernet.found_below)),
        ),
    ]


def render_supernet(panels: Sequence[SupernetPanel]) -> bytes:
    """``supernet_panels`` as PNG, beside each other."""
    with style():
        figure = new_figure(3.6 * len(panels), 2.9)
        for number, panel in enumerate(panels):
            left = (number + 0.2) / len(panels)
            axes = figure.add_axes((left, 0.17, 0.77 / len(panels), 0.74))
            _draw(axes, panel)
        return png(figure)


def _draw(axes: Any, panel: SupernetPanel) -> None:
    for number, curve in enumerate(panel.curves):
        axes.plot(
            range(1, len(curve.values) + 1), curve.values, color=COLOURS[number], linewidth=1.6,
            linestyle=("-", "--")[number % 2], marker="o" if len(curve.values) == 1 else "", markersize=4,
            label=curve.name,
        )  # fmt: skip
    for number, (name, value) in enumerate(panel.levels):
        axes.axhline(value, color=GREY, linewidth=1, linestyle=(":", "-.")[number % 2], label=name)
    axes.set_xlabel("epoch")
    axes.set_ylabel(panel.y_label)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    values = [value for curve in panel.curves for value in curve.values]
    if max(values) >= 1000:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    else:
        axes.ticklabel_format(axis="y", useOffset=False)
    if len(panel.curves) > 1 or panel.levels:
        axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
