"""Trains every architecture of a small space, so that strategies can be replayed on it in seconds.

    python -m benchmarks.studies.architecture_table --data-dir DIR [--seeds 0 1 2] [--out results/table/cifar10.jsonl]

The space is `SPACE`: `tiny-global` with two stages of one block, 256 architectures in all, whose MACs span a factor
of 13. Each is trained by the recipe `search` for `EPOCHS` epochs on 2,000 images of CIFAR-10's training part and
judged on 2,000 others, with each seed. A call goes on where the last one stopped. `load_table` reads what was measured.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks import entry
from benchmarks.runs import all_runs
from records.errors import UserError
from records.measurement import Measurement
from search_space import Genotype, get_space
from search_space.problem import Problem
from training.data.loading import Data, load_data
from training.fit import fit
from training.recipes.named import get_recipe

IMAGES, EPOCHS = 4_000, 6  # half of the images to train on
SPACE = Problem(
    "tiny-global",
    {
        "stages": 2, "stem_widths": [8], "stem_strides": [2], "widths": [4, 8, 16, 32], "depths": [1], "expansions": [3],
        "operators": ["depthwise_3x3", "depthwise_split", "global_open_1", "depthwise_3x3+global_1"],
        "squeezes": ["none"],
    },
    image=(3, 32, 32),
    classes=10,
)  # fmt: skip
RESULTS = Path("results/table/cifar10.jsonl")


def architectures(problem: Problem = SPACE) -> list[Genotype]:
    """Every one of the problem, in the order of its decisions' options."""
    decisions = get_space(problem.space).decisions(problem)
    labels = [decision.label for decision in decisions]
    choices = itertools.product(*(decision.options for decision in decisions))
    every = [Genotype.of_choices(problem, dict(zip(labels, each, strict=True))) for each in choices]
    return list({genotype.key(): genotype for genotype in every}.values())


@dataclass(frozen=True)
class Table:
    """``accuracies[key][seed]`` is the validation accuracy in [0, 1] after each epoch of the architecture with that
    key; ``genotypes[key]`` is the architecture.

    Examples:
        >>> table = Table({"a": {0: (0.1, 0.3), 1: (0.2, 0.5)}}, {})
        >>> table.mean("a"), table.mean("a", epochs=1)
        (0.4, 0.15)
    """

    accuracies: dict[str, dict[int, tuple[float, ...]]]
    genotypes: dict[str, Genotype]

    def mean(self, key: str, epochs: int | None = None) -> float:
        """Over the seeds, after that many epochs (all)."""
        at = -1 if epochs is None else epochs - 1
        return round(statistics.mean(history[at] for history in self.accuracies[key].values()), 10)

    def measurement(self, index: int, genotype: Genotype, seed: int) -> Measurement:
        """What a trial of that architecture with that seed comes to."""
        history, cost = self.accuracies[genotype.key()][seed], genotype.cost()
        return Measurement(
            index, genotype.to_json(), "ok", history[-1], macs=cost.macs, macs_published=cost.macs_published,
            params=cost.params, seconds=0.0, seed=seed, history=history,
        )  # fmt: skip


def load_table(path: Path = RESULTS) -> Table:
    """What stands in ``path``. Raises `UserError` where an architecture or a seed is missing."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    accuracies: dict[str, dict[int, tuple[float, ...]]] = {}
    for record in records:
        accuracies.setdefault(record["key"], {})[record["seed"]] = tuple(record["history"])
    genotypes = {genotype.key(): genotype for genotype in architectures()}
    seeds = {seed for by_seed in accuracies.values() for seed in by_seed}
    missing = [key for key in genotypes if accuracies.get(key, {}).keys() != seeds]
    if missing:
        raise UserError(
            f"{path} lacks trainings of {len(missing)} of {len(genotypes)} architectures; "
            "`python -m benchmarks.studies.architecture_table` goes on with them"
        )
    return Table(accuracies, genotypes)


def train(genotype: Genotype, seed: int, data: Data) -> dict[str, Any]:
    """One training; accuracies in [0, 1] after each epoch."""
    torch.manual_seed(seed)
    result = fit(genotype.build(), data, get_recipe("search", epochs=EPOCHS), seed=seed)
    history = [epoch.accuracy for epoch in result.history]
    return {"key": genotype.key(), "seed": seed, "history": history, "seconds": round(result.seconds, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", required=True, help="folder with cifar10.npz")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of each (0 1 2)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = load_data("cifar10", args.data_dir, validation=0.5, train_limit=IMAGES)
    known = {genotype.key(): genotype for genotype in architectures()}
    cases = [(key, seed) for seed in args.seeds for key in known]
    all_runs(
        args.out, cases, lambda record: (record["key"], record["seed"]),
        lambda case: train(known[case[0]], case[1], data),
    )  # fmt: skip


if __name__ == "__main__":
    entry(main)
