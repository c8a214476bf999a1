"""Run folders for the tests, written as a search writes them."""

from __future__ import annotations

import functools
from pathlib import Path

from records.run_files.run_folder import RunFolder
from search_space import Genotype, Measurement, sample

SETTINGS = {"space": "darts-global", "strategy": "random", "dataset": "digits", "max_macs": None}


@functools.cache
def _genotype(index: int) -> Genotype:
    return sample("darts-global", index, image=(1, 8, 8), width=4, cells=2)


def measurement(index: int, accuracy: float | None, macs: int, **changes) -> Measurement:
    fields = dict(
        index=index, genotype=_genotype(index).to_json(), status="failed" if accuracy is None else "ok",
        accuracy=accuracy, macs=macs, macs_published=macs - 1, params=10 * index, seconds=1.0, seed=0,
        history=() if accuracy is None else (accuracy / 2, accuracy),
    )  # fmt: skip
    return Measurement(**fields | changes)


def make_run(path: Path, measurements: list[Measurement], **settings) -> Path:
    run = RunFolder.create(path, SETTINGS | settings)
    for each in measurements:
        run.append(each)
    return run.path


# The front is 0, 2 and 4; 1 is dominated, 3 failed.
FIVE = [
    measurement(0, 0.50, 1000),
    measurement(1, 0.45, 1500),
    measurement(2, 0.70, 2000),
    measurement(3, None, 2500, error="the <roof> fell in"),
    measurement(4, 0.80, 9000),
]
