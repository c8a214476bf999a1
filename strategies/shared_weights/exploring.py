"""A search over networks that are judged on shared weights, a line each in the run folder."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tqdm import tqdm

from records.files import write_errors
from records.measurement import Measurement
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.shared_weights.judge import Judge

JUDGED = "judged.jsonl"


def explore(
    search: MultiTrialStrategy, judge: Judge, count: int, path: Path, *, progress: bool
) -> list[Measurement]:
    """``count`` networks, proposed by ``search`` and judged on shared weights; those that ``path`` has already are
    read back. No network is judged twice."""
    known = read_judged(path)
    found: list[Measurement] = []
    bar = tqdm(
        total=count, desc="judged on shared weights", unit="network", disable=None if progress else True
    )
    with bar, write_errors(path), path.open("a", encoding="utf-8") as lines:
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
            lines.write(json.dumps(found[-1].to_json()) + "\n")
            lines.flush()
        os.fsync(lines.fileno())
    return found


def read_judged(path: Path) -> list[Measurement]:
    """Whole lines; what a crash cut short is taken off the file."""
    if not path.is_file():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    return [Measurement.from_json(json.loads(line)) for line in whole.splitlines()]
