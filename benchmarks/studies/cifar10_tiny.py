"""CIFAR-10 with 16,000 parameters: what a search found, against ResNet-Global-Tiny and against chance.

    python run_search.py search --space tiny-global --dataset cifar10 --data-dir DIR --strategy supernet-pareto \\
        --max-params 16k --max-macs 3200k --run-dir runs/cifar10-tiny/search
    python -m benchmarks.studies.cifar10_tiny --data-dir DIR --found NAME=GENOTYPE [NAME=GENOTYPE] [--epochs 40] \\
        [--device cuda] [--folder runs/cifar10-tiny] [--out results/cifar10-tiny]

Each GENOTYPE is a file such as the search's ``best.json``, chosen on validation images; there may be one of a search
without global layers. Each of them and ResNet-Global-Tiny are trained on all 50,000 training images by the recipe
`fast` with seeds 0, 1 and 2, and `RANDOM` random architectures of the first one's size with seed 0: within 5% of its
MACs, within the budget, and of `LEAST` of its parameters or more. The test images are looked at once, at each
training's end. A call goes on where the last one stopped. What was found is kept beside the table, with its weights of
seed 0.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from analysis.certainty.student import noise_of_difference
from benchmarks import entry
from benchmarks.runs import all_runs, mean_and_deviation
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.settings_file import WEIGHTS
from search_space import Genotype
from search_space.paper.networks import published
from strategies.budget import Budget
from strategies.shared_weights.chosen import random_likes
from training.device import real_device
from training.recipes.named import get_recipe
from training.retrain import RetrainSettings, retrain

BASELINE, CHANCE = "ResNet-Global-Tiny", "random"
MAX_PARAMS, MAX_PUBLISHED = 16_000, 3_600_000
SEEDS, RANDOM = (0, 1, 2), 5
LEAST = 0.85  # most of what is drawn at those MACs has fewer parameters, so as many are drawn as it takes:
DRAWN = (25, 100, 400)


def require_within(name: str, genotype: Genotype) -> Genotype:
    """``genotype``; raises `UserError` if it is above the study's budget."""
    cost = genotype.cost()
    if cost.params > MAX_PARAMS or cost.macs_published > MAX_PUBLISHED:
        raise UserError(
            f"{name} has {cost.params:,} parameters and {cost.macs_published:,} MACs by the published count; accepted: at "
            f"most {MAX_PARAMS:,} and {MAX_PUBLISHED:,}"
        )
    return genotype


def cases(found: dict[str, Genotype]) -> dict[tuple[str, int], Genotype]:
    """What is trained with which seed, in this order: of ``random`` the seed tells the architecture, all of them are
    trained with 0."""
    named = {name: require_within(name, genotype) for name, genotype in found.items()}
    named[BASELINE] = published(BASELINE)
    fitting = of_the_size_of(next(iter(found.values())))
    made: dict[tuple[str, int], Genotype] = {}
    for place in range(max(len(SEEDS), RANDOM)):  # a study that is stopped has some of each
        made |= {(name, SEEDS[place]): genotype for name, genotype in named.items() if place < len(SEEDS)}
        made |= {(CHANCE, place): fitting[place]} if place < RANDOM else {}
    return made


def of_the_size_of(first: Genotype) -> list[Genotype]:
    """`RANDOM` random architectures. Raises `UserError` where there are fewer."""
    least, budget = LEAST * first.cost().params, Budget(max_params=MAX_PARAMS)
    fitting: list[Genotype] = []
    for drawn in DRAWN:  # each begins with those of the one before
        likes = random_likes(first.problem, [_as_measured(first)], drawn, 0, budget)
        costs = ((genotype, genotype.cost()) for genotype in likes)
        fitting = [g for g, cost in costs if cost.macs_published <= MAX_PUBLISHED and cost.params >= least]
        if len(fitting) >= RANDOM:
            return fitting[:RANDOM]
    raise UserError(
        f"{len(fitting)} random architectures of that size were found within the budget; needed: {RANDOM}"
    )


def _as_measured(genotype: Genotype) -> Measurement:
    cost = genotype.cost()
    return Measurement(
        0, genotype.to_json(), "ok", 0.0, macs=cost.macs, macs_published=cost.macs_published, params=cost.params,
        seconds=0.0, seed=0,
    )  # fmt: skip


def trained(folder: Path, name: str, seed: int, epochs: int) -> Path:
    """The folder of one training."""
    return folder / f"{name}-{epochs}-{seed}"


def train(
    case: tuple[str, int],
    genotype: Genotype,
    epochs: int,
    data_dir: str,
    folder: Path,
    device: str = "cpu",
) -> dict[str, Any]:
    """One training in a folder of its own, gone on with where it was stopped; accuracies in [0, 1]."""
    name, seed = case
    settings = RetrainSettings(
        get_recipe("fast", epochs=epochs),
        "cifar10",
        data_dir,
        seed=0 if name == CHANCE else seed,
        threads=1,
        device=device,
    )
    result = retrain(genotype, settings, trained(folder, name, seed, epochs), progress=True)
    return {
        "name": name, "seed": seed, "epochs": epochs, "test_accuracy": result["test_accuracy"],
        "params": result["params"], "macs": result["macs"], "macs_published": result["macs_published"],
        "seconds": round(result["seconds"], 1), "genotype": genotype.to_json(),
    }  # fmt: skip


def gain(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """The difference of the means, and half its 95% interval by Welch's t; of two values or more each.

    Examples:
        >>> difference, half = gain([86.0, 86.2, 86.4], [80.0, 80.2, 80.4])
        >>> f"{difference:.2f} +- {half:.2f}"
        '6.00 +- 0.45'
    """
    half = noise_of_difference(one, other)
    assert half is not None, "each has two values or more"
    return statistics.mean(one) - statistics.mean(other), half


def report(records: Sequence[dict[str, Any]]) -> str:
    """In Markdown: each network's accuracies, then what the first one gains on the others."""
    values: dict[str, list[float]] = {}
    for record in records:
        values.setdefault(record["name"], []).append(100 * record["test_accuracy"])
    lines = [
        "| network | test accuracy, % | n | params | MACs | MACs, published count |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, own in values.items():
        costs = [
            sorted({record[cost] for record in records if record["name"] == name})
            for cost in ("params", "macs", "macs_published")
        ]
        ranges = [f"{c[0]:,}" if len(c) == 1 else f"{c[0]:,} to {c[-1]:,}" for c in costs]
        lines.append(f"| {name} | {mean_and_deviation(own, 2)} | {len(own)} | {' | '.join(ranges)} |")
    first, *others = values
    for other in others:
        if min(len(values[first]), len(values[other])) > 1:
            difference, half = gain(values[first], values[other])
            lines += [
                "",
                f"{first} gains {difference:+.2f} ± {half:.2f} points on {other} (95% interval, Welch).",
            ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", required=True, help="folder with cifar10.npz")
    parser.add_argument(
        "--found", nargs="+", required=True, metavar="NAME=GENOTYPE", help="what was found, the best first"
    )
    parser.add_argument("--epochs", type=int, default=40, help="of each training (40)")
    parser.add_argument(
        "--device", default="auto", help="cpu, cuda, or auto: a GPU where there is one (auto)"
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/cifar10-tiny"), help="of the trainings")
    parser.add_argument("--out", type=Path, default=Path("results/cifar10-tiny"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    device = real_device(args.device)
    found = dict(text.split("=", 1) for text in args.found if "=" in text)
    if len(found) < len(args.found) or {BASELINE, CHANCE} & found.keys():
        raise UserError(
            f"found is {' '.join(args.found)}; accepted: NAME=GENOTYPE, each name once, not {BASELINE} or {CHANCE}"
        )
    made = cases({name: Genotype.load(path) for name, path in found.items()})
    records = all_runs(
        args.out / "runs.jsonl", [(*case, args.epochs) for case in made],
        lambda record: (record["name"], record["seed"], record["epochs"]),
        lambda case: train(case[:2], made[case[:2]], args.epochs, args.data_dir, args.folder, device),
    )  # fmt: skip
    for name, path in found.items():
        if not (kept := args.out / f"{name}.json").exists() or not kept.samefile(path):
            shutil.copy(path, kept)
        weights = trained(args.folder, name, SEEDS[0], args.epochs) / WEIGHTS
        shutil.copy(weights, args.out / f"{name}.safetensors")
    order = [*found, BASELINE, CHANCE]
    records = [record for record in records if record["epochs"] == args.epochs and record["name"] in order]
    text = report(sorted(records, key=lambda record: order.index(record["name"])))
    (args.out / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    entry(main)
