"""How long a network takes for one image: the time that a user of it waits, measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

REPEATS = 50
_WARM_UP = 5
_MOST_SECONDS = 5.0  # of a slow network fewer passes are a good median too
_FEWEST = 5


def latency_ms(model: nn.Module, image: tuple[int, int, int], device: str | torch.device = "cpu") -> float:
    """The median time in milliseconds of one image (channels, height, width) through ``model`` on ``device``: a
    batch of 1, in evaluation mode, without gradients, by one thread of the CPU, over up to 50 passes after 5 that do
    not count. Reading and normalising the image is not in it.

    ``model`` moves to ``device`` and is in the mode afterwards that it was in.

    Examples:
        >>> latency_ms(nn.Conv2d(3, 8, 3), (3, 32, 32)) > 0
        True
    """
    device = torch.device(device)
    training = model.training
    model.to(device).eval()
    batch = torch.zeros(1, *image, device=device)
    times: list[float] = []
    began = time.perf_counter()
    try:
        with _one_thread(), torch.no_grad():
            for _ in range(_WARM_UP):
                model(batch)
            while len(times) < REPEATS and (
                len(times) < _FEWEST or time.perf_counter() - began < _MOST_SECONDS
            ):
                times.append(_pass_seconds(model, batch))
    finally:
        model.train(training)
    return 1000 * statistics.median(times)


def _pass_seconds(model: nn.Module, batch: torch.Tensor) -> float:
    _wait(batch.device)
    started = time.perf_counter()
    model(batch)
    _wait(batch.device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
