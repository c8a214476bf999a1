"""What a training step takes by the ways there are on a device, each network's ways in turn, as ratios within one run.

    python -m benchmarks.training_steps [NAME ...] [--device cpu|cuda] [--ways NAME NAME] [--recipe fast] [--steps 60]
        [--epochs 4] [--out FILE]

On a GPU: eager (each kernel asked for by Python), captured (a CUDA graph of the step, what ``fit`` does by itself),
compiled (``torch.compile``, captured). On a CPU, by one thread and with memory kept as a trial keeps it: float32, and
bfloat16 as ``fit`` takes it by itself where the processor has instructions for it (``training.precision``). Random images of CIFAR-10's size. The first epoch is reported apart: it
holds compiling and recording. Of the others the median counts, by the wall on a GPU, by the process's own time on a CPU.
The loss after them stands beside: the ways do the same work.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks import entry
from search_space.paper.networks import published
from training.data.loading import Data
from training.data.lookup import dataset_info
from training.data.split import DeviceSplit
from training.device import keep_memory, multiplies_bfloat16, require_device
from training.export.timing import processor
from training.fit import EpochResult, fit
from training.recipes.named import get_recipe
from training.recipes.recipe import Recipe

NETWORKS = (
    "ResNet-Tiny", "ResNet-Global-Tiny", "Wide-ResNet-Tiny", "Wide-ResNet-Global-Tiny", "ResNet-32", "ResNet-Global",
)  # fmt: skip
WAYS = {"cuda": ("eager", "captured", "compiled"), "cpu": ("float32", "bfloat16")}


@dataclass(frozen=True)
class StepTime:
    """``step`` and ``first_epoch`` in seconds; ``loss`` of the last epoch."""

    network: str
    way: str
    step: float
    first_epoch: float
    loss: float


def random_data(steps: int, batch: int, device: torch.device) -> Data:
    """So many batches of CIFAR-10's size, always the same."""
    info = dataset_info("cifar10")
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (steps * batch, *info.image), dtype=torch.uint8, generator=generator)
    labels = torch.randint(info.classes, (steps * batch,), generator=generator)
    split = DeviceSplit(images, labels, info, device)
    return Data(info, split, None, lambda: split)


def measure(name: str, way: str, recipe: Recipe, device: torch.device, steps: int) -> StepTime:
    """Trains the recipe's epochs of ``steps`` steps in one of the ``WAYS`` of the device."""
    half = recipe.bf16 and way != "float32"
    recipe = recipe.replace(compile=way == "compiled", bf16=half, channels_last=recipe.channels_last and half)
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    marks = [clock()]

    def on_epoch(_: EpochResult) -> None:  # its loss was read: the GPU is done
        marks.append(clock())

    torch.manual_seed(0)
    network = published(name).build()
    data = random_data(steps, recipe.batch_size, device)
    result = fit(network, data, recipe, seed=0, device=device, on_epoch=on_epoch, capture=way != "eager")
    seconds = [end - start for start, end in itertools.pairwise(marks)]
    return StepTime(name, way, statistics.median(seconds[1:]) / steps, seconds[0], result.history[-1].loss)


HEAD = (
    "| network | way | ms a step | of the first way | first epoch, s | loss |\n"
    "| --- | --- | ---: | ---: | ---: | ---: |"
)


def row(time_: StepTime, first: StepTime) -> str:
    """In Markdown, with the ratio to the network's first way."""
    return (
        f"| {time_.network} | {time_.way} | {1e3 * time_.step:.2f} | {time_.step / first.step:.2f} "
        f"| {time_.first_epoch:.1f} | {time_.loss:.4f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NAME", help="published networks")
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda"
    )
    parser.add_argument("--ways", nargs="+", metavar="NAME", help="some of the device's (all)")
    parser.add_argument("--recipe", default="fast", help="name of a recipe (fast)")
    parser.add_argument("--steps", type=int, default=60, help="an epoch (60)")
    parser.add_argument("--epochs", type=int, default=4, help="of which the first does not count (4)")
    parser.add_argument("--out", type=Path, help="a file to which each row is appended as a JSON line")
    arguments = parser.parse_args()
    require_device(arguments.device)
    device = torch.device(arguments.device)
    torch.set_num_threads(1)
    keep_memory()
    recipe = get_recipe(arguments.recipe, epochs=arguments.epochs)
    machine = torch.cuda.get_device_name() if device.type == "cuda" else processor()
    ways = [way for way in WAYS[device.type] if way in (arguments.ways or WAYS[device.type])]
    if "bfloat16" in ways and not multiplies_bfloat16(device):
        ways.remove("bfloat16")
        print("bfloat16: left out, this processor has no instructions for it")
    print(f"{machine}, torch {torch.__version__}, recipe {recipe.name}, batch {recipe.batch_size}\n\n{HEAD}")
    for name in arguments.networks:
        first = None
        for way in tqdm(ways, desc=name, leave=False):
            time_ = measure(name, way, recipe, device, arguments.steps)
            first = first or time_
            tqdm.write(row(time_, first))
            if arguments.out:
                with arguments.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"device": machine, **asdict(time_)}) + "\n")


if __name__ == "__main__":
    entry(main)
