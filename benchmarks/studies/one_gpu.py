"""The studies' trainings side by side on one GPU, as many as a limited time allows.

    python -m benchmarks.studies.one_gpu --data-dir DIR --out DIR [--seconds 420] [--workers 15] [--device cuda]
        [--only published search candidates]

One training of such networks leaves most of a GPU idle, so ``--workers`` processes share it, a CPU core each. In order:

- the published networks of ``PUBLISHED`` by the recipe `fast`, what ``run_search.py train --published`` does, on all
  training images, each into the folder ``runs/NAME-DATASET-EPOCHS-SEED``;
- for ``cifar10_tiny`` two searches of ``tiny-global`` within 16,000 parameters and 3.2M MACs by ``nsga2``, one without
  global layers: ``TRIALS`` candidates each, ``TRIAL_EPOCHS`` epochs on 20,000 images, judged by 5,000 other *training*
  images, in ``search-NAME.jsonl``. The candidate with the highest accuracy is ``NAME.json``; it is trained as in that
  study, and so are random networks of its MACs;
- the runs of ``candidates``, in ``candidates.jsonl``.

Long trainings come first. When the time is over, what is not finished is left with its checkpoint; a later call goes on
there, and with the rest. On an NVIDIA GPU start ``nvidia-cuda-mps-control -d`` before, so that they really run at once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
import traceback
from collections.abc import Iterator
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch

from benchmarks import entry
from benchmarks.studies import candidates, cifar10_tiny
from records.measurement import Measurement
from search_space import Genotype
from search_space.paper.networks import published
from search_space.problem import Problem
from strategies.multi_trial.nsga2 import Nsga2, Nsga2Settings
from training.data.loading import Data, load_data
from training.data.lookup import dataset_info
from training.fit import fit
from training.recipes.named import get_recipe
from training.retrain import RetrainSettings, retrain

TINY = ("ResNet-Tiny", "ResNet-Global-Tiny", "Wide-ResNet-Tiny", "Wide-ResNet-Global-Tiny")
PHYSICS = tuple(f"ResNet-Global-Tiny-{kind}" for kind in ("Constant", "Diffusion", "Advection", "Neither"))
# Network, data set, epochs, seed: the longest first.
PUBLISHED = [
    ("ResNet-32", "cifar10", 100, 0),
    *(("ResNet-Global", "cifar10", 100, seed) for seed in (0, 1, 2)),
    ("DenseNet-Global", "cifar10", 30, 0),
    *((name, "cifar10", 60, seed) for seed in (0, 1, 2) for name in TINY),
    *((name, "cifar100", 60, 0) for name in TINY),
    *((name, "cifar10", 60, seed) for seed in (0, 1, 2) for name in PHYSICS),
]
CONVOLUTIONS = ("depthwise_3x3", "depthwise_5x5", "depthwise_7x7", "depthwise_split")
GLOBAL = (
    "global_1", "global_open_1", "global_signed_1", "global_heat", "global_implicit_open", "depthwise_3x3+global_1",
    "depthwise_3x3+global_open_1",
)  # fmt: skip
SEARCHED = {"with-global": (*CONVOLUTIONS, *GLOBAL), "convolutions": CONVOLUTIONS}
TRIALS, TRIAL_EPOCHS, TRIAL_IMAGES, POPULATION = 80, 8, 25_000, 16
MAX_MACS, FOUND_EPOCHS = 3_200_000, 60

Job = tuple[str, tuple[Any, ...]]  # what is done, and with what


@lru_cache
def _images(data_dir: str, device: str, limit: int | None) -> Data:
    return load_data("cifar10", data_dir, validation=0.2, train_limit=limit, device=device)


class _Work:
    """What a worker can do; each gives a record of plain values."""

    def __init__(self, data_dir: str, out: Path, device: str) -> None:
        self.data_dir, self.out, self.device = data_dir, out, device

    def do(self, job: Job) -> dict[str, Any]:
        kind, what = job
        record: dict[str, Any] = getattr(self, kind)(*what)
        return record

    def published(self, name: str, dataset: str, epochs: int, seed: int) -> dict[str, Any]:
        info = dataset_info(dataset)
        genotype = published(name, num_classes=info.classes, image=info.image)
        settings = RetrainSettings(
            get_recipe("fast", epochs=epochs), dataset, self.data_dir, seed=seed, device=self.device
        )
        result = retrain(genotype, settings, self.out / "runs" / f"{name}-{dataset}-{epochs}-{seed}")
        kept = ("test_accuracy", "params", "macs", "macs_published", "seconds")
        return {name: result[name] for name in kept} | {"epochs": epochs}

    def found(self, name: str, seed: int, genotype: dict[str, Any]) -> dict[str, Any]:
        made = Genotype.from_json(genotype)
        return cifar10_tiny.train(
            (name, seed), made, FOUND_EPOCHS, self.data_dir, self.out / "runs", self.device
        )

    def likes(self, name: str, genotype: dict[str, Any]) -> dict[str, Any]:
        """The random networks beside what was found."""
        made = cifar10_tiny.cases({name: Genotype.from_json(genotype)})
        return {
            "genotypes": [[*case, g.to_json()] for case, g in made.items() if case[0] == cifar10_tiny.CHANCE]
        }

    def candidate(self, operator: str, epochs: int, seed: int) -> dict[str, Any]:
        data = _images(self.data_dir, self.device, candidates.IMAGES)
        return candidates.train(operator, epochs, seed, data, self.out / "checkpoints", self.device)

    def trial(self, search: str, index: int, genotype: dict[str, Any]) -> dict[str, Any]:
        made, data = Genotype.from_json(genotype), _images(self.data_dir, self.device, TRIAL_IMAGES)
        recipe = get_recipe("fast", epochs=TRIAL_EPOCHS)
        result = fit(made.build(index), data, recipe, seed=index, device=self.device)
        cost = made.cost()
        return Measurement(
            index, genotype, "ok", result.accuracy, cost.macs, cost.macs_published, cost.params, result.seconds, index,
            tuple(epoch.accuracy or 0.0 for epoch in result.history),
        ).to_json()  # fmt: skip


class Search:
    """One search by ``nsga2``: proposes as long as there are trials left, each with the results in order so far."""

    def __init__(self, name: str, out: Path) -> None:
        problem = Problem("tiny-global", {"operators": SEARCHED[name]}, image=(3, 32, 32), classes=10)
        settings = Nsga2Settings(population=POPULATION)
        self.strategy = Nsga2(
            problem, 0, settings, max_macs=MAX_MACS, max_params=cifar10_tiny.MAX_PARAMS, epochs=TRIAL_EPOCHS
        )
        self.name, self.path = name, out / f"search-{name}.jsonl"
        self.results: dict[int, Measurement] = {}
        self.proposed = 0

    @property
    def finished(self) -> bool:
        return len(self.results) >= TRIALS

    def next(self) -> Job | None:
        if self.proposed >= TRIALS:
            return None
        seen = next(index for index in range(TRIALS + 1) if index not in self.results)
        genotype = self.strategy.propose(self.proposed, [self.results[index] for index in range(seen)])
        self.proposed += 1
        return "trial", (self.name, self.proposed - 1, genotype.to_json())

    def take(self, record: dict[str, Any]) -> None:
        measured = Measurement.from_json(record)
        self.results[measured.index] = measured
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def fail(self, index: int, genotype: dict[str, Any], error: str) -> None:
        cost = Genotype.from_json(genotype).cost()
        failed = Measurement(
            index,
            genotype,
            "failed",
            None,
            cost.macs,
            cost.macs_published,
            cost.params,
            0.0,
            index,
            error=error,
        )
        self.take(failed.to_json())

    def best(self) -> Genotype:
        """The most accurate on the validation images."""
        trained = [m for m in self.results.values() if m.accuracy is not None]
        return Genotype.from_json(max(trained, key=lambda m: m.accuracy or 0.0).genotype)


class Order:
    """Which job comes next, and what becomes of its record."""

    def __init__(self, out: Path, only: list[str]) -> None:
        self.out = out
        self.jobs: list[Job] = [("published", case) for case in PUBLISHED] if "published" in only else []
        self.long = [job for job in self.jobs if job[1][2] >= 100 or job[1][0].startswith("DenseNet")]
        self.jobs = [job for job in self.jobs if job not in self.long]
        self.searches = [Search(name, out) for name in SEARCHED] if "search" in only else []
        self.last: list[Job] = []
        if "candidates" in only:
            self.last = [
                ("candidate", (operator, candidates.EPOCHS, seed))
                for seed in (0, 1, 2)
                for operator in candidates.OPERATORS
            ]
        self.chosen: dict[str, Genotype] = {}

    def __iter__(self) -> Iterator[Job]:
        return self

    def __next__(self) -> Job:
        if self.long:
            return self.long.pop(0)
        for search in self.searches:
            job = search.next()
            if job is not None:
                return job
        for jobs in (self.jobs, self.last):
            if jobs:
                return jobs.pop(0)
        raise StopIteration

    def take(self, job: Job, record: dict[str, Any]) -> None:
        kind, what = job
        if kind == "likes":
            self.jobs = [*(("found", tuple(case)) for case in record.get("genotypes", [])), *self.jobs]
            return
        if kind != "trial":
            with (self.out / f"{kind}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"job": what} | record) + "\n")
            return
        search = next(each for each in self.searches if each.name == what[0])
        if "error" in record and "accuracy" not in record:
            search.fail(what[1], what[2], record["error"])
        else:
            search.take(record)
        if search.finished:
            self._choose(search)

    def _choose(self, search: Search) -> None:
        best = self.chosen[search.name] = search.best()
        best.save(self.out / f"{search.name}.json")
        runs: list[Job] = [("found", (search.name, seed, best.to_json())) for seed in cifar10_tiny.SEEDS]
        if search.name == next(iter(SEARCHED)):
            runs.append(("likes", (search.name, best.to_json())))
        self.jobs = [*runs, *self.jobs]


def _serve(jobs: Connection, work: _Work) -> None:
    torch.set_num_threads(1)
    while True:
        job = jobs.recv()
        try:
            jobs.send(work.do(job))
        except Exception as error:  # noqa: BLE001 (one training's fault is told, the others go on)
            jobs.send({"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()})


def run(order: Order, work: _Work, workers: int, seconds: float) -> None:
    """Until all is done or the time is over."""
    ends = time.monotonic() + seconds
    context = multiprocessing.get_context("fork")  # torch is imported once; nothing has used the GPU yet
    busy: dict[Connection, tuple[Job, float]] = {}
    idle: list[Connection] = []
    processes = []

    def give() -> None:
        while idle and (job := next(order, None)) is not None:
            connection = idle.pop()
            connection.send(job)
            busy[connection] = (job, time.monotonic())

    for _ in range(workers):
        mine, theirs = context.Pipe()
        processes.append(context.Process(target=_serve, args=(theirs, work), daemon=True))
        processes[-1].start()
        idle.append(mine)
    give()
    while busy and time.monotonic() < ends:
        for connection in wait(list(busy), timeout=max(0.0, ends - time.monotonic())):
            assert isinstance(connection, Connection)
            (job, started), record = busy.pop(connection), connection.recv()
            order.take(job, record)
            told = record.get("error") or record.get("test_accuracy", record.get("accuracy"))
            print(f"{time.monotonic() - started:6.1f} s  {job[0]} {job[1][:4]!s:.70}: {told}", flush=True)
            idle.append(connection)
        give()
    for process in processes:
        process.terminate()
    print("not finished:", *(f"{job[0]} {job[1][:4]!s:.70}" for job, _ in busy.values()), sep="\n  ")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", required=True, help="folder with cifar10.npz and cifar100.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder to make or go on with")
    parser.add_argument("--seconds", type=float, default=420.0, help="after which it stops (420)")
    parser.add_argument("--workers", type=int, default=15, help="trainings at once (15)")
    parser.add_argument("--device", default="cuda", help="cuda or cpu (cuda)")
    parser.add_argument(
        "--only", nargs="+", choices=["published", "search", "candidates"],
        default=["published", "search", "candidates"], help="some of the studies",
    )  # fmt: skip
    args = parser.parse_args()
    (args.out / "checkpoints").mkdir(parents=True, exist_ok=True)
    run(Order(args.out, args.only), _Work(args.data_dir, args.out, args.device), args.workers, args.seconds)


if __name__ == "__main__":
    entry(main)
