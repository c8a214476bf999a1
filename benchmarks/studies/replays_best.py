"""Strategies against each other on a table of trainings: how good is the network that each would hand out?

    python -m benchmarks.studies.replays_best [--table results/table/cifar10.jsonl] [--seeds 20]

As `benchmarks.studies.replays`, for a user who wants the most accurate network and no front: within a budget, the median
MACs of the space, and without one. Handed out is the wholly trained candidate whose own training came to the highest
accuracy. What it lacks is told by means over all seeds of the table: the best one within the budget less its own.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from analysis.certainty.student import student_quantile
from benchmarks import entry
from benchmarks.studies.architecture_table import EPOCHS, RESULTS, Table, load_table
from benchmarks.studies.replays import exact, trials

# What is replayed by what is told of it: the strategy's name, and settings of its own.
STRATEGIES: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "evolution": ("evolution", {}),
    "tpe": ("tpe", {}),
    "nsga2": ("nsga2", {}),
    "asha": ("asha", {}),
    "asha --objectives accuracy": ("asha", {"objectives": "accuracy"}),
    "asha --min-epochs 6": ("asha", {"min_epochs": EPOCHS}),
    "asha --min-epochs 6 --objectives accuracy": ("asha", {"min_epochs": EPOCHS, "objectives": "accuracy"}),
}
TRAININGS = (12, 16, 20, 30, 40)


def lacking(table: Table, name: str, seed: int, max_macs: int | None) -> list[float]:
    """After each of `TRAININGS`, what the network that is handed out lacks, in [0, 1]; all of the best one's accuracy as
    long as none was trained to the end."""
    best = max(m.accuracy or 0.0 for m in exact(table) if max_macs is None or m.macs <= max_macs)
    own, lacks = -1.0, best
    curve = [(0.0, lacks)]
    for spent, trained, key in trials(table, *STRATEGIES[name], seed, max_macs):
        if trained.status == "ok" and (trained.accuracy or 0.0) > own:
            own, lacks = trained.accuracy or 0.0, best - table.mean(key)
        curve.append((spent, lacks))
        if spent > TRAININGS[-1]:
            break
    curve.append((math.inf, lacks))
    return [
        next(lacks for (_, lacks), (after, _) in pairwise(curve) if after > trainings)
        for trainings in TRAININGS
    ]


def with_interval(values: Sequence[float]) -> str:
    """``0.52 ± 0.11`` points: mean and half its 95% interval."""
    half = student_quantile(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return f"{100 * statistics.mean(values):.2f} ± {100 * half:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, default=RESULTS)
    parser.add_argument("--seeds", type=int, default=20, help="replays of each strategy (20)")
    args = parser.parse_args()
    table = load_table(args.table)
    middle = round(statistics.median(m.macs for m in exact(table)))
    for told, limit in ((f"within {middle:,} MACs", middle), ("without a budget", None)):
        print(
            f"points that the network handed out lacks, {told}; means with their 95% interval, n = {args.seeds}\n"
        )
        print("| strategy | " + " | ".join(f"{count} trainings" for count in TRAININGS) + " |")
        print("| --- |" + " ---: |" * len(TRAININGS))
        for name in STRATEGIES:
            seeds = tqdm(range(args.seeds), desc=name, unit="replay", leave=False)
            found = [lacking(table, name, seed, limit) for seed in seeds]
            cells = " | ".join(with_interval(values) for values in zip(*found, strict=True))
            print(f"| `{name}` | {cells} |", flush=True)
        print()


if __name__ == "__main__":
    entry(main)
