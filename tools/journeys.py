"""Counts how far one follows the code: `python -m tools.journeys [--walk] [NAME ...]`.

A journey is walked function by function, each once, in the order in which they are first called. Told are how many of
the project's files are entered, and how often the walk comes back to one that it had left. What an import runs is no
part of it. `--walk` prints the files in order.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest.mock import Mock

from tools.walk import Walk


def layer(_: Path) -> Callable[[], object]:
    """A feature map through the global layer in training, forward and backward."""
    import torch

    from pde_ops import GlobalLayer

    module, x = GlobalLayer(4, steps=3), torch.rand(2, 4, 8, 8, requires_grad=True)
    return lambda: module(x).sum().backward()


def trial(_: Path) -> Callable[[], object]:
    """A genotype through the trial that judges it."""
    from execution.settings import SearchSettings
    from execution.trials.entry import judged
    from search_space import sample

    judge = SearchSettings(train_limit=150, epochs=1, device="cpu").trial_settings().to_json()
    genotype = sample("darts-global", 0, image=(1, 8, 8), width=4, cells=2).to_json()
    return lambda: judged(Mock(), {"index": 0, "genotype": genotype, "trial": judge})


def one_shot(folder: Path) -> Callable[[], object]:
    """A search by DARTS on random images, from its settings to its outcome."""
    import numpy as np

    import pde_nas
    from training.data.arrays import save_arrays

    images, labels = np.random.default_rng(0).integers(0, 256, (120, 8, 8), "uint8"), np.arange(120) % 2
    settings = pde_nas.SearchSettings(
        strategy="darts", portal="off", dataset=save_arrays(folder / "x.npz", images, labels, images, labels),
        width=4, cells=2, primitives="skip_connect,global_1", supernet_epochs=1, trials=1, epochs=1, batch_size=32,
        device="cpu", threads=1, run_dir=str(folder / "run"),
    )  # fmt: skip
    return lambda: pde_nas.search(settings)


JOURNEYS = {"layer": layer, "trial": trial, "one-shot": one_shot}


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Nothing is printed while it lasts, also by what writes to the file descriptors."""
    kept = [(number, os.dup(number)) for number in (1, 2)]
    with open(os.devnull, "w") as nowhere:
        for number, _ in kept:
            os.dup2(nowhere.fileno(), number)
        try:
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                yield
        finally:
            for number, copy in kept:
                os.dup2(copy, number)


def main(words: Sequence[str]) -> None:
    names = [word for word in words if word != "--walk"]
    for name in names or JOURNEYS:
        if name not in JOURNEYS:
            sys.exit(f"error: NAME is {name!r}; accepted: {', '.join(JOURNEYS)}")
        with tempfile.TemporaryDirectory() as folder, silent():
            go = JOURNEYS[name](Path(folder))
            with Walk() as walk:
                go()
        files, returns = walk.count()
        print(f"{name}: {files} files, {returns} returns")
        if "--walk" in words:
            print(*walk.steps(), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
