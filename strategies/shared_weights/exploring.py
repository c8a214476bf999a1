"""A search over networks that are judged on shared weights, a line each in the run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from records.interface.terminal import say_share
from records.measurement import Measurement
from records.run_files.json_lines import append_line, read_lines
from records.run_files.measurement_lines import checked_measurement
from search_space import Genotype
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.shared_weights.judge import Judge


def explore(
    search: MultiTrialStrategy,
    judge: Judge,
    count: int,
    path: Path,
    *,
    progress: bool,
    latency: Callable[[Genotype], float] | None = None,
    max_latency: float | None = None,
) -> list[Measurement]:
    """``count`` networks, proposed by ``search`` and judged on shared weights; those that ``path`` has already are
    read back. No network is judged twice. ``latency`` tells that of each, in milliseconds; one above ``max_latency`` is
    not judged, and its status is "rejected"."""
    known = read_judged(path)
    found: list[Measurement] = []
    bar = tqdm(
        total=count, desc="judged on shared weights", unit="network", disable=None if progress else True
    )
    with bar:
        for index in range(count):
            try:
                genotype = search.propose(index, found)
            except SpaceExhausted:  # every network of a small space is judged
                break
            bar.update()
            if index < len(known):
                if known[index].status == "ok":
                    judge.meet(genotype)
                found.append(known[index])
                continue
            started, cost = time.perf_counter(), genotype.cost()
            predicted = None if latency is None else round(latency(genotype), 4)
            slow = predicted is not None and max_latency is not None and predicted > max_latency
            accuracy = None if slow else judge.accuracy(genotype)
            found.append(
                Measurement(
                    index, genotype.to_json(), "rejected" if slow else "ok", accuracy, macs=cost.macs,
                    macs_published=cost.macs_published, params=cost.params,
                    seconds=round(time.perf_counter() - started, 3), seed=search.seed, latency=predicted,
                )
            )  # fmt: skip
            append_line(path, found[-1].to_json())
            if progress:
                say_share("judged on shared weights", len(found), count, "networks")
    return found


def read_judged(path: Path) -> list[Measurement]:
    """What `explore` wrote so far. Raises `UserError` for a damaged line."""
    return read_lines(path, _judged, "a judged network's JSON")


def _judged(record: Any) -> Measurement:
    measurement = checked_measurement(record)
    Genotype.from_json(measurement.genotype)  # raises if it is none
    return measurement
