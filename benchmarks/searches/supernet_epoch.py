"""An epoch of a supernet: NNI's DARTS, ours, and `supernet-pareto`'s, with the same candidates: seconds, peak memory.

    python -m benchmarks.searches.supernet_epoch [--sides nni darts supernet-pareto] [--images 512] [--width 8] [--cells 5] [--runs 1] [--out FILE]

NNI's is its hub's network of DARTS cells (`nni.nas.hub.pytorch.nasnet.NDS`) with the candidates of ``darts-global``,
the strategy `nni.nas.strategy.DARTS` and the evaluator `nni.nas.evaluator.pytorch.Classification`. Both take random
images of 3x32x32 in batches of 64, as many for the architecture weights as for the others, on one thread of the CPU.
Timed are all steps of the first epoch, of which each has both its parts; of `supernet-pareto`, which trains weights
alone, those of the second, when its weights are made. Each is a process of its own, all by turns; seconds are CPU
time, which other programs disturb less than the clock, and beside it the clock's. Memory is the process's largest
resident set.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks import entry

BATCH = 64
SIDES = ("nni", "darts", "supernet-pareto")


def clock() -> tuple[float, float]:
    """This process's CPU seconds, and the clock's."""
    return time.process_time(), time.perf_counter()


def result(start: tuple[float, float], end: tuple[float, float]) -> dict[str, float]:
    """Seconds in between, and the peak memory so far in GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"cpu_seconds": end[0] - start[0], "seconds": end[1] - start[1], "peak_gb": peak}


def images_of(count: int) -> Any:
    """So many random ones as a split of CIFAR-10."""
    from training.data.lookup import dataset_info
    from training.data.split import DeviceSplit

    values = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8)
    return DeviceSplit(values, torch.randint(10, (count,)), dataset_info("cifar10"), torch.device("cpu"))


def problem_of(width: int, cells: int) -> Any:
    from search_space import Problem, get_space

    problem = Problem("darts-global", {"width": width, "cells": cells}, (3, 32, 32), 10)
    return get_space("darts-global").completed(problem)


def pareto(images: int, width: int, cells: int) -> dict[str, float]:
    """An epoch of `supernet-pareto`'s shared weights: each batch trains one network."""
    from strategies.budget import Budget
    from strategies.shared_weights.settings import SharedTraining
    from strategies.shared_weights.training import train_shared
    from training.data.loading import Data

    train, marks = images_of(images), []
    with tempfile.TemporaryDirectory() as folder:
        train_shared(
            problem_of(width, cells), Data(train.info, train, train, lambda: train),
            SharedTraining(epochs=2, batch_size=BATCH), Budget(), Path(folder) / "shared.pt",
            on_epoch=lambda _: marks.append(clock()),
        )  # fmt: skip
    return result(*marks)


def darts(images: int, width: int, cells: int) -> dict[str, float]:
    """An epoch of the strategy ``darts``."""
    from search_space import get_space
    from strategies.one_shot.darts import Darts
    from strategies.supernet.learning.gradient import SupernetModule
    from strategies.supernet.search import search_supernet
    from strategies.supernet.table import cost_table
    from training.data.loading import Data

    problem, marks = problem_of(width, cells), []

    class Marks(SupernetModule):
        def begin_epoch(self, epoch: int) -> None:
            super().begin_epoch(epoch)
            marks.append(clock())

        def end_epoch(self) -> None:
            marks.append(clock())

    class Timed(Darts):
        @classmethod
        def nni_strategy(cls, settings: Any, **common: Any) -> Any:
            made = super().nni_strategy(settings, **common)
            made.module = Marks
            return made

    train, validation = images_of(images), images_of(images)
    with tempfile.TemporaryDirectory() as folder:
        search_supernet(
            lambda: get_space(problem.space).model_space(problem),
            cost_table(get_space(problem.space).supernet_cells(problem)),
            Data(train.info, train, validation, lambda: validation),
            Timed.supernet(Timed.Settings(supernet_epochs=1), batch_size=BATCH, seed=0, device="cpu"),
            strategy=Timed,
            checkpoint=Path(folder) / "supernet.pt",
            log=Path(folder) / "log",
        )
    return result(*marks)


def nni(images: int, width: int, cells: int) -> dict[str, float]:
    """An epoch of NNI's DARTS on its hub's network."""
    import pytorch_lightning as pl
    from nni.nas.evaluator.pytorch import Classification
    from nni.nas.execution import SequentialExecutionEngine
    from nni.nas.hub.pytorch import nasnet
    from nni.nas.space import RawFormatModelSpace
    from nni.nas.strategy import DARTS
    from torch.utils.data import DataLoader, TensorDataset

    from search_space.cells.darts_frame import DEFAULT_PRIMITIVES
    from search_space.primitives.registry import get_primitive

    marks = []

    class Marks(pl.Callback):
        def on_train_epoch_start(self, *_: Any) -> None:
            marks.append(clock())

        def on_train_epoch_end(self, *_: Any) -> None:
            marks.append(clock())

    def own(name: str) -> Callable:
        return lambda C, stride, affine: get_primitive(name)(C, stride)

    nasnet.OPS.update({name: own(name) for name in DEFAULT_PRIMITIVES if name.startswith("global")})
    network = nasnet.NDS(
        list(DEFAULT_PRIMITIVES), num_nodes_per_cell=4, width=width, num_cells=cells, dataset="cifar"
    )

    def loader() -> DataLoader:
        data = TensorDataset(torch.randn(images, 3, 32, 32), torch.randint(10, (images,)))
        return DataLoader(data, BATCH, shuffle=True)

    evaluator = Classification(
        train_dataloaders=loader(), val_dataloaders=loader(), num_classes=10, max_epochs=1, accelerator="cpu",
        logger=False, enable_checkpointing=False, enable_progress_bar=False, callbacks=[Marks()],
    )  # fmt: skip
    with torch.random.fork_rng():
        DARTS()(RawFormatModelSpace.from_model(network, evaluator), SequentialExecutionEngine())
    return result(*marks)


def apart(side: str, images: int, width: int, cells: int) -> dict[str, float]:
    """The same in a process of its own, on one thread."""
    words = ["--side", side, "--images", str(images), "--width", str(width), "--cells", str(cells)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.searches.supernet_epoch", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the epoch of {side} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(runs: dict[str, list[dict[str, float]]]) -> str:
    """Medians in Markdown, and the ratio of CPU times."""
    lines = ["| supernet | CPU seconds | seconds | peak GB | n |", "| --- | ---: | ---: | ---: | ---: |"]
    for side, found in runs.items():
        seconds, wall, peak = (
            median(each[key] for each in found) for key in ("cpu_seconds", "seconds", "peak_gb")
        )
        lines.append(f"| {side} | {seconds:.1f} | {wall:.1f} | {peak:.1f} | {len(found)} |")
    cpu = {side: median(each["cpu_seconds"] for each in found) for side, found in runs.items()}
    for slow, quick in itertools.pairwise(cpu):
        lines += ["", f"{slow}'s takes {cpu[slow] / cpu[quick]:.2f} times the CPU seconds of {quick}'s."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=512, help="of each split (512)")
    parser.add_argument("--width", type=int, default=8, help="channels of a node in the first cell (8)")
    parser.add_argument("--cells", type=int, default=5, help="cells (5)")
    parser.add_argument("--runs", type=int, default=1, help="of each, by turns (1)")
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES, help="which (all)")
    parser.add_argument("--side", choices=SIDES, help="only this one, in this process")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    given = parser.parse_args()
    size = given.images, given.width, given.cells
    if given.side:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        print(json.dumps({"nni": nni, "darts": darts, "supernet-pareto": pareto}[given.side](*size)))
        return
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in given.sides}
    for _ in range(given.runs):
        for side in given.sides:
            runs[side].append(apart(side, *size))
            print(f"{side}: {runs[side][-1]}", file=sys.stderr, flush=True)
    print(table(runs))
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry(main)
