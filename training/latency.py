"""How long a network takes for images: the time that a user of it waits, measured."""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from records.errors import UserError
from training.trial_settings import ONNX, PYTORCH

REPEATS = 50
WIDEST = 1 / 3  # between the quartiles, as a share of the median: more is a busy machine
ATTEMPTS = 3
_WARM_UP = 5
_MOST_SECONDS = 5.0  # of a slow network fewer passes are a good median too
_FEWEST = 5


@dataclass(frozen=True)
class Latency:
    """Median and quartiles in milliseconds.

    Examples:
        >>> Latency(2.0, 1.9, 2.1).calm, Latency(2.0, 1.9, 3.1).calm
        (True, False)
    """

    median: float
    low: float
    high: float

    @property
    def calm(self) -> bool:
        """Whether the passes agree, as on a machine with nothing else to do."""
        return self.high - self.low <= WIDEST * self.median


def measured_latency(
    model: nn.Module,
    image: tuple[int, int, int],
    device: str | torch.device = "cpu",
    *,
    runtime: str = PYTORCH,
    batch: int = 1,
    threads: int = 1,
) -> Latency:
    """The time of ``batch`` images (channels, height, width) through ``model``, in evaluation mode, without gradients,
    by ``threads`` of the CPU, over up to 50 passes after 5 that do not count. Reading and normalising the images is
    not in it.

    ``runtime``: "pytorch", on ``device``, by this project's kernels; "onnx": the exported file in ONNX Runtime, on the
    CPU. Where the passes do not agree they are repeated, three times at most, and the calmest are taken; a warning is
    given where none are calm. ``model`` is in the mode afterwards that it was in, and on ``device``.

    Raises:
        UserError: the network has no ONNX form, or ONNX Runtime is not installed.

    Examples:
        >>> measured_latency(nn.Conv2d(3, 8, 3), (3, 32, 32)).median > 0
        True
    """
    device = torch.device(device if runtime == PYTORCH else "cpu")
    training = model.training
    found: list[Latency] = []
    try:
        with _threads(threads), torch.no_grad():
            run = _in_pytorch(model, device) if runtime == PYTORCH else _in_onnx(model, image, threads)
            images = torch.zeros(batch, *image, device=device)
            while len(found) < ATTEMPTS and not (found and found[-1].calm):
                found.append(_passes(run, images))
    finally:
        model.train(training)
    best = min(found, key=lambda latency: (latency.high - latency.low) / latency.median)
    if not best.calm:
        warnings.warn(
            f"latency {best.median:.3g} ms, but half of the passes are outside {best.low:.3g} to {best.high:.3g} ms: "
            "the machine is busy",
            stacklevel=2,
        )
    return best


def _passes(run: Callable[[torch.Tensor], Any], images: torch.Tensor) -> Latency:
    times: list[float] = []
    began = time.perf_counter()
    for _ in range(_WARM_UP):
        run(images)
    while len(times) < REPEATS and (len(times) < _FEWEST or time.perf_counter() - began < _MOST_SECONDS):
        _wait(images.device)
        started = time.perf_counter()
        run(images)
        _wait(images.device)
        times.append(time.perf_counter() - started)
    low, median, high = (1000 * value for value in statistics.quantiles(times, n=4, method="inclusive"))
    return Latency(median, low, high)


def _in_pytorch(model: nn.Module, device: torch.device) -> Callable[[torch.Tensor], Any]:
    return model.to(device).eval()


def _in_onnx(model: nn.Module, image: tuple[int, int, int], threads: int) -> Callable[[torch.Tensor], Any]:
    from training.export.forms import FORMS
    from training.export.network import Network, NotExportable

    network = Network(copy.deepcopy(model).cpu(), image, None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FORMS[ONNX].file
        try:
            FORMS[ONNX].write(network, path)
        except NotExportable as error:
            raise UserError(f"its latency in ONNX Runtime cannot be measured: {error}") from error
        run = FORMS[ONNX].load(network, path, threads)
    if run is None:
        raise UserError("latency is 'onnx', but ONNX Runtime is missing; `pip install onnxruntime`")
    return run


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
