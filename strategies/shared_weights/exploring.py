"""A search over networks that are judged on shared weights, a line each in the run folder."""

from __future__ import annotations

import time
from pathlib import Path

from tqdm import tqdm

from records.json_lines import append_line, read_lines
from records.measurement import Measurement
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.shared_weights.judge import Judge


def explore(
    search: MultiTrialStrategy, judge: Judge, count: int, path: Path, *, progress: bool
) -> list[Measurement]:
    """``count`` networks, proposed by ``search`` and judged on shared weights; those that ``path`` has already are
    read back. No network is judged twice."""
    known = read_lines(path, Measurement.from_json)
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
                found.append(known[index])
                continue
            started, cost = time.perf_counter(), genotype.cost()
            accuracy = judge.accuracy(genotype)
            found.append(
                Measurement(
                    index, genotype.to_json(), "ok", accuracy, macs=cost.macs, macs_published=cost.macs_published,
                    params=cost.params, seconds=round(time.perf_counter() - started, 3), seed=search.seed,
                )
            )  # fmt: skip
            append_line(path, found[-1].to_json())
    return found
