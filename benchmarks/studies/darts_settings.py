"""What do partial channels, the operations' stop and the auxiliary skip do to what `darts` derives?

    python -m benchmarks.studies.darts_settings [--seeds 0 1 2] [--out results/strategies/darts_settings.jsonl]

For each seed a supernet of ``darts-global`` (width 8, 3 cells of 2 nodes, five candidates) is trained on half of the
digits with all settings off, then with one of them as its authors have it; architecture weights learn on the other half.
What is derived at the end is trained from scratch on halves with three seeds, which split the images anew. Random
architectures, trained alike, stand beside. Weights learn ten times as fast as in the paper (`RATE`), which had a hundred
times as many steps; the case ``paper's rate`` has them as there. A call goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import entry
from benchmarks.runs import all_runs
from search_space import Genotype, get_space
from search_space.problem import Problem
from search_space.sampling import random_genotype
from strategies.supernet.plan import OneShotPlan, check_plan
from strategies.supernet.settings import SupernetSettings
from strategies.supernet.training import train_supernet
from training.trial import measure
from training.trial_settings import TrialSettings

SUPERNET_EPOCHS, EPOCHS, TRAININGS, RATE = 12, 6, 3, 3e-3
SIZES = {
    "width": 8, "cells": 3, "nodes": 2,
    "primitives": ["skip_connect", "max_pool_3x3", "sep_conv_3x3", "dil_conv_3x3", "global_1"],
}  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "all off": {},
    "partial channels, K = 4": {"partial_channels": 4},
    "operation stop, 0.4": {"operation_stop": 0.4},
    "auxiliary skip, 1": {"auxiliary_skip": 1.0},
    "all off, paper's rate": {"architecture_learning_rate": 3e-4},
}
RANDOM = "random"


def trial(seed: int) -> TrialSettings:
    """How an architecture is judged."""
    return TrialSettings(validation=0.5, epochs=EPOCHS, threads=1, seed=seed)


def problem() -> Problem:
    info = trial(0).dataset_info()
    return get_space("darts-global").completed(Problem("darts-global", dict(SIZES), info.image, info.classes))


def accuracies(genotype: Genotype, seed: int) -> list[float]:
    """Validation accuracies in [0, 1] of its trainings."""
    found = [measure(genotype, trial(seed + 100 * number), index=0) for number in range(TRAININGS)]
    return [m.accuracy for m in found if m.accuracy is not None]


def run(case: str, seed: int) -> dict[str, Any]:
    """One supernet and its derived architecture; of `RANDOM` as many architectures as there are cases."""
    started = time.process_time()
    if case == RANDOM:
        drawn = [random_genotype(problem(), 1000 * (seed + 1) + number) for number in range(len(CASES))]
        return {
            "case": case, "seed": seed, "macs": [genotype.cost().macs for genotype in drawn],
            "accuracies": [accuracies(genotype, seed) for genotype in drawn],
        }  # fmt: skip
    settings = SupernetSettings(
        **{"epochs": SUPERNET_EPOCHS, "architecture_learning_rate": RATE, "seed": seed} | CASES[case]
    )
    plan = OneShotPlan("darts", problem(), trial(seed), settings, trials=1)
    table = check_plan(plan)
    with tempfile.TemporaryDirectory() as folder:
        state = train_supernet(plan, table, Path(folder) / "supernet.pt", Path(folder) / "log")
    spent, last = time.process_time() - started, state.records[-1]
    genotype = Genotype.of(plan.problem, state.derived[-1])
    return {
        "case": case, "seed": seed, "macs": genotype.cost().macs, "accuracies": accuracies(genotype, seed),
        "entropy": last["entropy"] / math.log(len(table.primitives) + 1), "skips": last["skips"],
        "supernet_accuracy": last["default"], "supernet_cpu_seconds": round(spent, 1),
        "genotype": genotype.to_json(),
    }  # fmt: skip


def summary(records: list[dict[str, Any]]) -> str:
    """In Markdown, a line a case: means over the seeds, of accuracies with their standard deviation."""
    lines = [
        "| settings | derived: accuracy, % | kMACs | skips | entropy, of equal weights' | CPU s an epoch | n |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for case in CASES:
        own = [record for record in records if record["case"] == case]
        if own:
            macs, skips, entropy, spent = (
                statistics.mean(record[name] for record in own)
                for name in ("macs", "skips", "entropy", "supernet_cpu_seconds")
            )
            lines.append(
                f"| {case} | {_spread([statistics.mean(record['accuracies']) for record in own])} | {macs / 1000:.0f} "
                f"| {skips:.1f} | {entropy:.3f} | {spent / SUPERNET_EPOCHS:.1f} | {len(own)} |"
            )
    drawn = [statistics.mean(each) for r in records if r["case"] == RANDOM for each in r["accuracies"]]
    if drawn:
        macs = statistics.mean(each for r in records if r["case"] == RANDOM for each in r["macs"])
        lines.append(
            f"| random architectures | {_spread(drawn)} | {macs / 1000:.0f} | - | - | - | {len(drawn)} |"
        )
    return "\n".join(lines)


def _spread(shares: list[float]) -> str:
    deviation = f" ± {100 * statistics.stdev(shares):.1f}" if len(shares) > 1 else ""
    return f"{100 * statistics.mean(shares):.1f}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("results/strategies/darts_settings.jsonl"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    cases = [(case, seed) for seed in args.seeds for case in (RANDOM, *CASES)]
    records = all_runs(
        args.out, cases, lambda record: (record["case"], record["seed"]), lambda each: run(*each)
    )
    print(summary(records))


if __name__ == "__main__":
    entry(main)
