"""The recipe ``fast`` against a network's published recipe: the same accuracy in a fraction of the epochs?

    python -m benchmarks.fast_recipe --network MNIST-Global-Backbone --dataset mnist --data-dir DIR \\
        [--epochs 30] [--fast-epochs 5 10] [--fast-recipe fast-sgd] [--seeds 3] [--train-limit N] \\
        [--validation 0.1] [--out results/published/fast.jsonl] [--checkpoints runs/fast_recipe]

Both train the same network from the same weights (a seed each) on the same images with the published
recipe's augmentation; what differs is the rest: optimiser, rates, schedule, batch, decay, smoothing, clipping. The
published schedule's milestones are fractions, so ``--epochs`` shortens it as a whole. ``fast-sgd`` is the fast
recipe without orthogonal updates. Judged on a part of the *training* images: choosing a recipe is a choice, so
the test set has no say. Each run is appended to ``--out``; a call goes on after the last whole epoch of the one
that was stopped, and ends with the table over seeds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import entry
from benchmarks.runs import all_runs
from records.errors import UserError
from search_space.paper.networks import published
from training.data.loading import Data, load_data
from training.fit import fit
from training.recipes.named import get_recipe, published_recipe
from training.recipes.recipe import Recipe

_AUGMENTATION = ("crop", "flip", "cutout")


def fast_for(network: str, epochs: int, name: str = "fast") -> Recipe:
    """The recipe ``name`` with the augmentation of the network's published recipe."""
    own = published_recipe(network)
    return get_recipe(name, epochs=epochs, **{name: getattr(own, name) for name in _AUGMENTATION})


def identity(network: str, recipe: Recipe, seed: int, data: Data) -> dict[str, Any]:
    """What tells a run from others."""
    assert data.validation is not None
    return {
        "network": network, "dataset": data.info.name, "train_images": len(data.train),
        "validation_images": len(data.validation), "recipe": recipe.name, "epochs": recipe.epochs, "seed": seed,
    }  # fmt: skip


def key(record: dict[str, Any]) -> tuple[Any, ...]:
    """The values of ``identity`` in a record."""
    names = ("network", "dataset", "train_images", "validation_images", "recipe", "epochs", "seed")
    return tuple(record[name] for name in names)


def run(network: str, recipe: Recipe, seed: int, data: Data, checkpoints: Path) -> dict[str, Any]:
    """One training; its record has validation accuracies in [0, 1], seconds, and CPU seconds of all threads:
    where it went on from a checkpoint, those of the epochs since, taken as the share of the seconds that they
    are."""
    own = identity(network, recipe, seed, data)
    torch.manual_seed(seed)
    model = published(network, num_classes=data.info.classes, image=data.info.image).build()
    started, clock = time.process_time(), time.perf_counter()
    result = fit(model, data, recipe, seed=seed, checkpoint=_checkpoint(own, checkpoints), progress=True)
    cpu_share = (time.process_time() - started) / (time.perf_counter() - clock)
    return own | {
        "accuracy": result.accuracy,
        "history": [epoch.accuracy for epoch in result.history],
        "cpu_seconds": round(cpu_share * result.seconds, 1),
        "seconds": round(result.seconds, 1),
    }


def _checkpoint(record: dict[str, Any], folder: Path) -> Path:
    return folder / f"{'-'.join(map(str, key(record)))}.pt"


def accuracy_table(records: list[dict[str, Any]]) -> str:
    """Mean and standard deviation over seeds in Markdown, a line for each recipe and number of epochs."""
    lines = [
        "| network | data | training images | recipe | epochs | validation accuracy, % | deviation | n | CPU s |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for group in dict.fromkeys(key(record)[:-1] for record in records):
        same = [record for record in records if key(record)[:-1] == group]
        values = [100 * record["accuracy"] for record in same]
        deviation = f"{statistics.stdev(values):.2f}" if len(values) > 1 else "-"
        network, dataset, images, _, recipe, epochs = group
        lines.append(
            f"| {network} | {dataset} | {images:,} | {recipe} | {epochs} | {statistics.mean(values):.2f} "
            f"| {deviation} | {len(values)} | {statistics.mean(r['cpu_seconds'] for r in same):.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="MNIST-Global-Backbone", help="a published network")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--data-dir", required=True, help="folder with <dataset>.npz")
    parser.add_argument("--epochs", type=int, help="of the published recipe (its own)")
    parser.add_argument("--fast-epochs", type=int, nargs="+", default=[5, 10], help="of the fast one (5 10)")
    parser.add_argument("--fast-recipe", choices=("fast", "fast-sgd"), default="fast", help="(fast)")
    parser.add_argument("--only-fast", action="store_true", help="without the published recipe")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of each (3)")
    parser.add_argument("--train-limit", type=int, help="use so many training images")
    parser.add_argument(
        "--validation", type=float, default=0.1, help="the part of these that judges, not trains (0.1)"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument("--out", type=Path, default=Path("results/published/fast.jsonl"))
    parser.add_argument(
        "--checkpoints", type=Path, default=Path("runs/fast_recipe"), help="of unfinished runs"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.validation <= 0:
        raise UserError(
            f"validation is {arguments.validation:g}; accepted: above 0, since these images judge"
        )
    data = load_data(
        arguments.dataset,
        arguments.data_dir,
        validation=arguments.validation,
        train_limit=arguments.train_limit,
    )
    recipes = [fast_for(arguments.network, epochs, arguments.fast_recipe) for epochs in arguments.fast_epochs]
    own = published_recipe(arguments.network)
    if not arguments.only_fast:
        recipes.append(own if arguments.epochs is None else own.replace(epochs=arguments.epochs))
    cases = {
        key(identity(arguments.network, recipe, seed, data)): (recipe, seed)
        for seed in range(arguments.seeds)
        for recipe in recipes
    }
    records = all_runs(
        arguments.out, list(cases), key,
        lambda case: run(arguments.network, *cases[case], data, arguments.checkpoints),
        lambda record: _checkpoint(record, arguments.checkpoints).unlink(),
    )  # fmt: skip
    print(accuracy_table(records))


if __name__ == "__main__":
    entry(main)
