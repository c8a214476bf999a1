"""Do weights that all networks share rank as training each does? `supernet-pareto` held against the table.

    python -m benchmarks.studies.supernet_table --data-dir DIR [--table results/table/cifar10.jsonl] [--seeds 0 1 2]
        [--out results/strategies/supernet_table.jsonl]

The supernet of the space of `benchmarks.studies.architecture_table` is trained as the strategy does by default, on the
table's 2,000 images, and every architecture is judged on its weights on the table's other 2,000. A record, one a seed,
has Kendall's tau-b between these accuracies and the table's means, over all architectures and within fifths of equal
numbers by MACs; and for 1, 2, ... points of the front on shared weights, in the strategy's order, the hypervolume of
their means as a share of that of the exact front, which `replays.json` beside it gets as curves. Who is on that front is asked in bands
of MACs, a ratio wide, of which the strategy takes one (`records.run_files.shared_files.LIKE`). A call goes on where the last one
stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.stats import kendalltau

from analysis.hypervolume import dominated_share, reference_macs
from benchmarks import entry
from benchmarks.runs import all_runs
from benchmarks.studies.architecture_table import EPOCHS, IMAGES, RESULTS, SPACE, Table, load_table
from benchmarks.studies.replays import REPLAYS, add_curves, exact
from records.measurement import Measurement
from records.run_files.shared_files import LIKE
from strategies.budget import Budget
from strategies.multi_trial.supernet_pareto import SupernetParetoSettings
from strategies.objectives import spread
from strategies.shared_weights.judge import CALIBRATION_IMAGES, Judge
from strategies.shared_weights.settings import SharedTraining
from strategies.shared_weights.training import train_shared
from training.data.loading import Data, load_data
from training.data.split import steps_per_epoch

BINS, MOST = 5, 20
_SHOWN = (4, 8, 12, 16, 20)  # points
_RATIOS = (1.1, LIKE, 1.5, 2.0, math.inf)
FORWARD = 1 / 3  # what a pass without gradients costs of a training step's
_OUT = Path("results/strategies/supernet_table.jsonl")


def tau(pairs: Sequence[tuple[float, float]]) -> float:
    """Kendall's tau-b of two rankings.

    Examples:
        >>> tau([(0.1, 1.0), (0.2, 2.0), (0.3, 3.0)])
        1.0
    """
    return round(float(kendalltau(*zip(*pairs, strict=True)).statistic), 4)


def tau_within_bins(measured: Sequence[Measurement], means: Sequence[float]) -> float:
    """Mean over `BINS` bins of equal numbers by MACs: how well networks of like size are told apart."""
    order = sorted(range(len(measured)), key=lambda place: measured[place].macs)
    size = math.ceil(len(order) / BINS)
    bins = [order[start : start + size] for start in range(0, len(order), size)]
    return round(
        statistics.mean(tau([(measured[i].accuracy or 0.0, means[i]) for i in places]) for places in bins), 4
    )


def shares(table: Table, judged: Sequence[Measurement], bands: float = LIKE) -> list[float]:
    """Hypervolume of the first 1, 2, ... points that the strategy would train, as a share of the exact front's; who is
    on the front is asked in ``bands`` of MACs, as `strategies.objectives.ranked` has them."""
    best = exact(table)
    limit = reference_macs(best)
    whole = dominated_share(best, limit)
    truly = [best[point.index] for point in spread(judged, MOST, bands=bands)]
    return [round(dominated_share(truly[:count], limit) / whole, 4) for count in range(1, len(truly) + 1)]


def curve(table: Table, record: dict[str, Any]) -> list[tuple[float, float]]:
    """Of one supernet: whole trainings spent, its own and that of judging among them, and the share of the exact
    hypervolume, after each point that the strategy would train."""
    judged = [
        dataclasses.replace(m, accuracy=own)
        for m, own in zip(exact(table), record["accuracies"], strict=True)
    ]
    before = record["supernet_trainings"] + record["judging_trainings"]
    return [(round(before + count, 4), share) for count, share in enumerate(shares(table, judged), start=1)]


def run(table: Table, data: Data, seed: int, folder: Path) -> dict[str, Any]:
    """One supernet, every architecture judged on it, and how that compares."""
    started = time.process_time()
    settings = SupernetParetoSettings()
    batch = SharedTraining().batch_size
    enough = math.ceil(settings.supernet_steps / steps_per_epoch(len(data.train), batch))
    training = SharedTraining(epochs=max(settings.supernet_epochs, enough), seed=seed, batch_size=batch)
    shared = train_shared(SPACE, data, training, Budget(), folder / f"shared-{seed}.pt", progress=True)
    supernet = time.process_time() - started
    judge = Judge(shared, data)
    judged = [
        dataclasses.replace(of_table, accuracy=judge.accuracy(genotype))
        for of_table, genotype in zip(exact(table), table.genotypes.values(), strict=True)
    ]
    means = [table.mean(key) for key in table.genotypes]
    half = IMAGES // 2
    return {
        "seed": seed,
        "tau": tau([(m.accuracy or 0.0, mean) for m, mean in zip(judged, means, strict=True)]),
        "tau_within_bins": tau_within_bins(judged, means),
        "architectures": len(judged),
        "accuracies": [m.accuracy for m in judged],
        "supernet_trainings": round(training.epochs / EPOCHS, 2),
        "judging_trainings": round(len(judged) * FORWARD * (half + CALIBRATION_IMAGES) / (EPOCHS * half), 2),
        "supernet_cpu_seconds": round(supernet, 1),
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", required=True, help="folder with cifar10.npz")
    parser.add_argument("--table", type=Path, default=RESULTS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=_OUT)
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/supernet_table"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.checkpoints.mkdir(parents=True, exist_ok=True)
    table = load_table(args.table)
    data = load_data("cifar10", args.data_dir, validation=0.5, train_limit=IMAGES)
    records = all_runs(
        args.out, args.seeds, lambda record: record["seed"],
        lambda seed: run(table, data, seed, args.checkpoints),
    )  # fmt: skip
    add_curves(args.out.parent / REPLAYS, "supernet-pareto", [curve(table, record) for record in records])
    for record in records:
        print(
            f"seed {record['seed']}: tau {record['tau']:.2f}, within bins {record['tau_within_bins']:.2f} "
            f"(n = {record['architectures']})"
        )
    print(by_ratio(table, [record["accuracies"] for record in records]))


def by_ratio(table: Table, judged: Sequence[Sequence[float]]) -> str:
    """In Markdown: the mean over supernets of the share of the exact hypervolume after some points, by the ratio
    of MACs that a band is wide; ``judged`` holds of each supernet the accuracies of all architectures on it."""
    lines = [
        f"| ratio | {' | '.join(f'{count} points' for count in _SHOWN)} |",
        "| ---: |" + " ---: |" * len(_SHOWN),
    ]
    for bands in _RATIOS:
        found = [
            shares(
                table,
                [dataclasses.replace(m, accuracy=own) for m, own in zip(exact(table), each, strict=True)],
                bands,
            )
            for each in judged
        ]
        means = [statistics.mean(own[min(count, len(own)) - 1] for own in found) for count in _SHOWN]
        name = "no bands" if math.isinf(bands) else f"{bands:g}"
        lines.append(f"| {name} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    entry(main)
