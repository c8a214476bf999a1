"""Which operations across pixels are worth their MACs: the same tiny network with each of them, at equal MACs.

    python -m benchmarks.studies.candidates --data-dir DIR [--operators NAME NAME] [--seeds 0 1 2] [--epochs 8] \\
        [--expansion 3] [--device cuda] [--out results/candidates/runs.jsonl] [--checkpoints runs/candidates]

A network of ``tiny-global``: three stages of 2, 3 and 3 inverted residual blocks, expansion 3 (or 1). In four of the eight,
one or two a stage and all of stride 1, stands the operation that is judged; the others have a 3x3 depthwise
convolution. Widths are chosen so that every network has the same MACs, as near to 1 : 2 : 3 as that allows: what an
operation costs, the network pays for in width. Trained by the recipe `fast` on 10,000 images of CIFAR-10 and judged
on 2,500 other *training* images, since candidates are chosen by it. ``global_block_K`` is compared with expansion 1:
its residual blocks cost the square of the expanded width, and with expansion 3 the narrowest such network has 22M MACs.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from analysis.certainty.student import noise_of_difference
from benchmarks import entry
from benchmarks.runs import all_runs, mean_and_deviation
from records.errors import UserError
from search_space import Genotype
from training.data.loading import Data, load_data
from training.device import real_device
from training.fit import fit
from training.recipes.named import get_recipe

OPERATORS = (
    "skip_connect", "depthwise_3x3", "depthwise_5x5", "depthwise_7x7", "depthwise_split", "global_1", "global_3",
    "global_open_1", "global_signed_1", "global_heat", "global_implicit", "global_implicit_open", "depthwise_3x3+global_1",
    "depthwise_3x3+global_3", "depthwise_3x3+global_open_1",
)  # fmt: skip
BASELINE = "depthwise_3x3"
DEPTHS = (2, 3, 3)
JUDGED = ("stage1/block2", "stage2/block2", "stage2/block3", "stage3/block2")
WITH_BLOCK_COEFFICIENTS = ("skip_connect", "depthwise_3x3", "depthwise_7x7", "global_1", "global_block_1")
STEM, EXPANSION = 8, 3
MACS, TOLERANCE = {3: 3_000_000, 1: 4_750_000}, 0.02  # by expansion
IMAGES, EPOCHS = 12_500, 8  # a fifth of them to judge
Case = tuple[str, int, int, int]  # operator, expansion, epochs, seed


def network(operator: str, widths: tuple[int, int, int], expansion: int = EXPANSION) -> Genotype:
    """The network with ``operator`` in the blocks that are judged."""
    architecture: dict[str, Any] = {"stem": {"width": STEM, "stride": 1}}
    for place, (width, depth) in enumerate(zip(widths, DEPTHS, strict=True), start=1):
        architecture[f"stage{place}"] = {"width": width, "depth": depth}
        for number in range(1, depth + 1):
            block = f"stage{place}/block{number}"
            chosen = operator if block in JUDGED else "depthwise_3x3"
            architecture[block] = {"expansion": expansion, "operator": chosen, "squeeze": "none"}
    settings = {
        "widths": sorted({width // place for place, width in enumerate(widths, start=1)}), "stem_widths": [STEM],
        "operators": sorted({"depthwise_3x3", operator}),
    }  # fmt: skip
    return Genotype("tiny-global", (3, 32, 32), 10, settings, architecture)


def at_equal_macs(operator: str, expansion: int = EXPANSION) -> Genotype:
    """The network whose widths are nearest to 1 : 2 : 3 among those within ``TOLERANCE`` of ``MACS``."""
    macs = MACS[expansion]
    found = []
    for first, second, third in itertools.product(range(3, 32), repeat=3):
        uneven = abs(second - first) + abs(third - first)
        if uneven <= 3:
            genotype = network(operator, (first, 2 * second, 3 * third), expansion)
            off = abs(genotype.cost().macs / macs - 1)
            found.append((off > TOLERANCE, uneven, off, genotype))
    best = min(found, key=lambda each: each[:3])
    if best[0]:
        raise UserError(f"operator is {operator}; accepted: one with which {macs:,} MACs can be met")
    return best[3]


def open_images(data_dir: str, device: str) -> Data:
    """The images that all of them are trained on and judged by."""
    return load_data("cifar10", data_dir, validation=0.2, train_limit=IMAGES, device=device)


def _checkpoint(folder: Path, case: Case) -> Path:
    return folder / ("-".join(map(str, case)) + ".pt")


def _case(record: dict[str, Any]) -> Case:
    return record["operator"], record["expansion"], record["epochs"], record["seed"]


def train(case: Case, data: Data, checkpoints: Path, device: str = "cpu") -> dict[str, Any]:
    """One training, goes on from its checkpoint; accuracies in [0, 1]."""
    operator, expansion, epochs, seed = case
    genotype = at_equal_macs(operator, expansion)
    torch.manual_seed(seed)
    started = time.process_time()
    recipe = get_recipe("fast", epochs=epochs)
    path = _checkpoint(checkpoints, case)
    result = fit(genotype.build(), data, recipe, seed=seed, device=device, checkpoint=path, progress=True)
    cost = genotype.cost()
    return {
        "operator": operator, "expansion": expansion, "epochs": epochs, "seed": seed, "accuracy": result.accuracy,
        "history": [epoch.accuracy for epoch in result.history], "params": cost.params, "macs": cost.macs,
        "widths": [genotype.architecture[f"stage{place}"]["width"] for place in (1, 2, 3)],
        "seconds": round(result.seconds, 1), "cpu_seconds_since_resumed": round(time.process_time() - started, 1),
    }  # fmt: skip


def table(records: list[dict[str, Any]]) -> str:
    """Mean and standard deviation over seeds, and the difference from `BASELINE` with its 95% interval, in Markdown, the
    best first."""
    lines = [
        f"| operation | expansion | epochs | accuracy, % | n | points from `{BASELINE}` | params | MACs | widths |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    groups: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["operator"], record["expansion"], record["epochs"]), []).append(record)
    mean = lambda runs: sum(run["accuracy"] for run in runs) / len(runs)  # noqa: E731
    for (operator, *setting), runs in sorted(
        groups.items(), key=lambda item: (-item[0][1], item[0][2], -mean(item[1]))
    ):
        values = mean_and_deviation([100 * run["accuracy"] for run in runs])
        against = "" if operator == BASELINE else _difference(runs, groups.get((BASELINE, *setting), []))
        expansion, epochs = setting
        widths = ", ".join(map(str, runs[0]["widths"]))
        lines.append(
            f"| `{operator}` | {expansion} | {epochs} | {values} | {len(runs)} | {against} | {runs[0]['params']:,} | {runs[0]['macs']:,} | {widths} |"
        )
    return "\n".join(lines)


def _difference(runs: list[dict[str, Any]], others: list[dict[str, Any]]) -> str:
    one, other = ([100 * run["accuracy"] for run in each] for each in (runs, others))
    if not others:
        return ""
    noise = noise_of_difference(one, other)
    interval = "" if noise is None else f" ± {noise:.1f}"
    return f"{statistics.mean(one) - statistics.mean(other):+.1f}{interval}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", required=True, help="folder with cifar10.npz")
    parser.add_argument(
        "--operators", nargs="+", help="what is judged (all that the page compares at this expansion)"
    )
    parser.add_argument(
        "--expansion", type=int, choices=list(MACS), default=EXPANSION, help=f"of all blocks ({EXPANSION})"
    )
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of each training ({EPOCHS})")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of each (0 1 2)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument(
        "--device", default="auto", help="cpu, cuda, or auto: a GPU where there is one (auto)"
    )
    parser.add_argument("--out", type=Path, default=Path("results/candidates/runs.jsonl"))
    parser.add_argument(
        "--checkpoints", type=Path, default=Path("runs/candidates"), help="of unfinished runs"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    device = real_device(args.device)
    data = open_images(args.data_dir, device)
    args.checkpoints.mkdir(parents=True, exist_ok=True)
    operators = args.operators or (OPERATORS if args.expansion == EXPANSION else WITH_BLOCK_COEFFICIENTS)
    cases = [(operator, args.expansion, args.epochs, seed) for seed in args.seeds for operator in operators]
    records = all_runs(
        args.out, cases, _case, lambda case: train(case, data, args.checkpoints, device),
        lambda r: _checkpoint(args.checkpoints, _case(r)).unlink(),
    )  # fmt: skip
    print(table(records))


if __name__ == "__main__":
    entry(main)
