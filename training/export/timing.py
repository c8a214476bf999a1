"""What each form of an exported network takes on this machine."""

from __future__ import annotations

import contextlib
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

BATCHES = (1, 64)
ROUNDS, FEWEST = 30, 4
SECONDS = 0.04  # of each form and number of images: an export is waited for


def latencies(
    runs: dict[str, Callable[[Tensor], Any]], examples: Callable[[int], Tensor], threads: int
) -> dict[str, Any]:
    """Milliseconds of each of ``runs`` for 1 and for 64 of ``examples``: lower quartile, median and upper quartile over
    up to 30 rounds, in which all take turns, after one that does not count.

    Examples:
        >>> found = latencies({"none": lambda images: None}, torch.zeros, 1)
        >>> found["threads"], len(found["batch"]["64"]["none"])
        (1, 3)
    """
    measured: dict[str, dict[str, list[float]]] = {}
    with _threads(threads):
        for batch in BATCHES:
            images = examples(batch)
            taken: dict[str, list[float]] = {name: [] for name in runs}
            began = time.perf_counter()
            for round_ in range(ROUNDS + 1):
                if round_ > FEWEST and time.perf_counter() - began > SECONDS * len(runs):
                    break
                for name, run in runs.items():
                    started = time.perf_counter()
                    run(images)
                    if round_:
                        taken[name].append(time.perf_counter() - started)
            measured[str(batch)] = {name: _quartiles(seconds) for name, seconds in taken.items()}
    return {"unit": "ms", "processor": processor(), "threads": threads, "batch": measured}


def _quartiles(seconds: list[float]) -> list[float]:
    return [round(1e3 * value, 4) for value in statistics.quantiles(seconds, n=4, method="inclusive")]


def table(found: dict[str, Any], titles: dict[str, str]) -> str:
    """The latencies for a terminal, a form a line."""
    one, many = (found["batch"][str(batch)] for batch in BATCHES)
    width = max(len(titles[name]) for name in one)
    lines = [f"{'':{width}}  {f'{BATCHES[0]} image':>22}  {f'{BATCHES[1]} images':>22}"]
    for name in one:
        cells = (
            f"{median:.2f} ms ({low:.2f} to {high:.2f})" for low, median, high in (one[name], many[name])
        )
        lines.append(f"{titles[name]:{width}}  " + "  ".join(f"{cell:>22}" for cell in cells))
    threads = "one thread" if found["threads"] == 1 else f"{found['threads']} threads"
    lines.append(f"medians and quartiles, {threads} of {found['processor']}")
    return "\n".join(lines)


def processor() -> str:
    """The processor's name, as the system tells it.

    Examples:
        >>> bool(processor())
        True
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
