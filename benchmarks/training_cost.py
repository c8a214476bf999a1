"""What training the published networks costs on one CPU thread: seconds a step, measured, times steps.

    python -m benchmarks.training_cost [NAME ...] [--recipe published|fast|...] [--steps 4] [--out FILE]

Each network takes a few steps of its recipe (its batch, augmentation and optimiser) on random images of its
data set's size. The first epoch of as many steps is not counted. Seconds are this process's own CPU time on
one thread, so that other programs disturb little; the whole training is that times its steps, as arithmetic.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks import entry
from search_space.paper.networks import published
from training.data.loading import Data
from training.data.lookup import dataset_info
from training.data.split import DeviceSplit, steps_per_epoch
from training.fit import EpochResult, fit
from training.recipes.named import get_recipe, published_recipe
from training.recipes.recipe import Recipe

NETWORKS = (
    "MNIST-Convolution", "MNIST-Residual", "MNIST-Residual-5", "MNIST-Global-Backbone",
    "ResNet-Tiny", "ResNet-Global-Tiny", "Wide-ResNet-Tiny", "Wide-ResNet-Global-Tiny",
    "DARTS-Tiny", "DARTS-Global-Tiny",
    "ResNet-32", "ResNet-Global", "DenseNet", "DenseNet-Global", "DARTS", "DARTS-Global",
)  # fmt: skip
IMAGES = {"mnist": 60_000, "cifar10": 50_000}  # for training
PUBLISHED = "published"


@dataclass(frozen=True)
class TrainingCost:
    """One network under one recipe; seconds are CPU time of one thread."""

    network: str
    dataset: str
    recipe: str
    batch_size: int
    step_seconds: float
    epoch_steps: int
    epochs: int

    @property
    def epoch_minutes(self) -> float:
        return self.step_seconds * self.epoch_steps / 60

    @property
    def hours(self) -> float:
        return self.epoch_minutes * self.epochs / 60


def measure(name: str, recipe: Recipe, *, steps: int) -> TrainingCost:
    """Trains ``steps`` steps twice and takes the time of the second ones."""
    dataset = "mnist" if name.startswith("MNIST") else "cifar10"
    info = dataset_info(dataset)
    count = steps * recipe.batch_size
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, *info.image), dtype=torch.uint8, generator=generator)
    labels = torch.randint(info.classes, (count,), generator=generator)
    split = DeviceSplit(images, labels, info, torch.device("cpu"))
    marks: list[float] = []

    def on_epoch(_: EpochResult) -> None:
        marks.append(time.process_time())

    torch.manual_seed(0)
    network = published(name, num_classes=info.classes, image=info.image).build()
    data = Data(info, split, None, lambda: split)
    fit(network, data, recipe.replace(epochs=2), seed=0, on_epoch=on_epoch)
    return TrainingCost(
        name, dataset, recipe.name, recipe.batch_size, (marks[1] - marks[0]) / steps,
        steps_per_epoch(IMAGES[dataset], recipe.batch_size), recipe.epochs,
    )  # fmt: skip


def costs_table(costs: list[TrainingCost]) -> str:
    """The costs in Markdown, a line each."""
    lines = [
        "| network | recipe | batch | s a step | steps an epoch | min an epoch | epochs | hours |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {c.network} | {c.recipe} | {c.batch_size} | {c.step_seconds:.3g} | {c.epoch_steps:,} "
        f"| {c.epoch_minutes:.3g} | {c.epochs} | {c.hours:.3g} |"
        for c in costs
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NAME", help="published networks")
    parser.add_argument("--recipe", default=PUBLISHED, help="'published' is each network's own (published)")
    parser.add_argument("--steps", type=int, default=4, help="steps that are timed (4)")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    costs = []
    for name in tqdm(arguments.networks, desc="networks", leave=False):
        recipe = published_recipe(name) if arguments.recipe == PUBLISHED else get_recipe(arguments.recipe)
        costs.append(measure(name, recipe, steps=arguments.steps))
    print(costs_table(costs))
    if arguments.out:
        record = {
            "machine": platform.machine(), "cores": os.cpu_count(), "threads": 1, "torch": torch.__version__,
            "steps": arguments.steps, "costs": [asdict(c) | {"hours": c.hours} for c in costs],
        }  # fmt: skip
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry(main)
