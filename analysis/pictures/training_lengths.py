"""Accuracy after the last epoch over the number of epochs: what a longer training buys, one line a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from matplotlib.ticker import NullLocator, ScalarFormatter

from analysis.pictures.panels import limits, look


class TrainingEnd(NamedTuple):
    """One training of ``epochs`` epochs and its last accuracy in percent."""

    name: str
    epochs: int
    accuracy: float


@dataclass(frozen=True)
class LengthPanel:
    """Trainings of one network. Those of one name and length are seeds: small points, their mean a marker on the
    name's line."""

    title: str
    y_label: str
    ends: tuple[TrainingEnd, ...]
    x_label: str = "epochs of the training"
    markers: bool = True
    key_title: str | None = "marker: mean of the seeds; points: each"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(end.name for end in self.ends))

    def draw(self, axes: Any) -> None:
        for number, name in enumerate(self.names):
            own = look(number)
            by_length: dict[int, list[float]] = {}
            for end in self.ends:
                if end.name == name:
                    by_length.setdefault(end.epochs, []).append(end.accuracy)
            lengths = sorted(by_length)
            means = [fmean(by_length[length]) for length in lengths]
            axes.plot(
                lengths, means, color=own.colour, linewidth=1.3, linestyle=own.line, marker=own.marker,
                markersize=6.5, markeredgecolor="white", markeredgewidth=0.8, zorder=4, gid="means",
            )  # fmt: skip
            seeds = [(length, value) for length in lengths for value in by_length[length]]
            axes.plot(
                *zip(*seeds, strict=True), linestyle="none", marker="o", markersize=3, color=own.colour,
                alpha=0.5, markeredgewidth=0, zorder=3, gid="seeds",
            )  # fmt: skip
        axes.set_ylim(*limits([end.accuracy for end in self.ends]))
        lengths = sorted({end.epochs for end in self.ends})
        axes.set_xscale("log")
        axes.set_xlim(lengths[0] / 1.15, lengths[-1] * 1.15)
        axes.set_xticks(lengths)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
