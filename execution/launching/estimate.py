"""What a search that was not started yet will come to: the range of its networks' MACs, and its time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from execution.launching.check import Checked
from execution.launching.known_range import known_range
from execution.launching.pace import Pace, earlier_pace, mean_macs, measured_pace
from execution.settings import SearchSettings
from records.text import count_text, duration_text
from search_space.problem import Problem
from strategies.registry import get_strategy
from training.data.prepare import PreparedData

_EVALUATION = 1 / 3  # of a training image's work is that of a held-out one, which has no backward pass


def estimate(found: Checked, base: Path) -> dict[str, Any]:
    """Of settings that were checked: ``range`` (``smallest``, ``largest`` in MACs, ``exact``), ``seconds`` and ``lines``,
    sentences for a person that also say from what they are. What is not known is None. ``base`` is the folder of
    earlier runs."""
    if found.settings is None or found.data is None:
        return {"range": None, "seconds": None, "lines": [found.note or "what is wrong comes first"]}
    settings, data = found.settings, found.data
    problem = Problem(settings.space, settings.space_settings(), data.info.image, data.info.classes)
    costs = known_range(problem)
    lines = [_range_line(settings, costs.smallest.macs, costs.largest.macs, costs.exact)]
    seconds, line = _time(settings, data, problem, base)
    lines += [line, *([found.note] if found.note else [])]
    smallest, largest = costs.smallest.macs, costs.largest.macs
    return {
        "range": {"smallest": smallest, "largest": largest, "exact": costs.exact},
        "seconds": seconds,
        "lines": lines,
    }


def _range_line(settings: SearchSettings, smallest: int, largest: int, exact: bool) -> str:
    how = "every architecture counted" if exact else "no change of one decision gives fewer, or more"
    line = f"Networks from {count_text(smallest)} to {count_text(largest)} MACs ({how})"
    limit = settings.max_macs
    return line + (
        "" if limit is None or limit >= largest else f"; trained are those up to {count_text(limit)}"
    )


def _time(
    settings: SearchSettings, data: PreparedData, problem: Problem, base: Path
) -> tuple[float | None, str]:
    if settings.platform != "local":
        return None, "How long it takes is not known: its trials run on other machines"
    pace = earlier_pace(base, settings, data) or measured_pace(problem, settings)
    if pace is None:
        return (
            None,
            "How long it takes is not known: no earlier run is like it, and some steps of training failed or took longer than a minute",
        )
    macs = min(mean_macs(problem), settings.max_macs or math.inf)
    seconds = search_seconds(settings, data, pace, macs)
    strategy = get_strategy(settings.strategy)
    without = ""
    if strategy.trains_here:
        without = ", without its supernet's training, which comes before"
    elif getattr(strategy, "stages", False):
        without = " at most, for it trains many candidates in part"
    return (
        seconds,
        f"About {duration_text(seconds)} of training{without} (from {pace.source}; {count_text(macs)} MACs on average)",
    )


def search_seconds(settings: SearchSettings, data: PreparedData, pace: Pace, macs: float) -> float:
    """The time of all candidates and of those that are trained again, with networks of so many ``macs``."""
    images = data.train_images + _EVALUATION * data.validation_images
    once = pace.seconds(macs) * images
    epochs = settings.trial_settings().make_recipe().epochs
    at_once = 1 if get_strategy(settings.strategy).one_shot else min(settings.concurrency, settings.trials)
    seconds = math.ceil(settings.trials / at_once) * epochs * once
    again = settings.confirmations()
    return seconds + math.ceil(again["points"] * again["seeds"] / again["at_once"]) * again["epochs"] * once
