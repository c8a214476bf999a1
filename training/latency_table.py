"""Latencies of operations, measured once each, from which those of whole networks are predicted.

A search that judges thousands of architectures cannot time each. Here a network's latency is ``overhead + scale x sum
of its operations``: an operation is a layer of torch's or a global layer with what it takes, timed by itself, and the
two numbers are fitted to a few whole networks. How far the prediction is off is measured on others
(``python -m benchmarks.latency_table``).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pde_ops.layer import GlobalLayer
from pde_ops.whole_map.heat import HeatLayer
from pde_ops.whole_map.implicit_layer import ImplicitLayer
from training.latency import measured_latency
from training.trial_settings import PYTORCH

MARK = 0.15  # of the errors' median
_WHOLE = (GlobalLayer, ImplicitLayer, HeatLayer)  # operations though they have parts
Operation = tuple[str, nn.Module, tuple[int, ...]]  # what it is, the module, the shape that it takes


class LatencyTable:
    """Milliseconds of operations by what they are, of ``batch`` images by ``threads`` of the CPU or on ``device``.
    Operations are timed in PyTorch; whole networks, to which their sums are fitted, in ``runtime``.

    Examples:
        >>> table = LatencyTable()
        >>> networks = [nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU()) for width in (4, 64, 128)]
        >>> table.calibrate(networks, (3, 16, 16))
        >>> table.predict(networks[2], (3, 16, 16)) > table.predict(networks[0], (3, 16, 16))
        True
    """

    def __init__(
        self, *, batch: int = 1, threads: int = 1, runtime: str = PYTORCH, device: str = "cpu"
    ) -> None:
        self.batch, self.threads, self.runtime, self.device = batch, threads, runtime, device
        self.milliseconds: dict[str, float] = {}
        self.scale, self.overhead = 1.0, 0.0

    def predict(self, network: nn.Module, image: tuple[int, int, int]) -> float:
        """The latency of ``network`` for images (channels, height, width); operations that are new are timed."""
        return self.overhead + self.scale * self._sum(network, image)

    def calibrate(self, networks: Iterable[nn.Module], image: tuple[int, int, int]) -> None:
        """Fits ``scale`` and ``overhead`` to the latencies of two networks or more, so that relative errors are least."""
        pairs = [(self._sum(network, image), self.measured(network, image)) for network in networks]
        rows = np.array([[total / whole, 1 / whole] for total, whole in pairs])
        (scale, overhead), *_ = np.linalg.lstsq(rows, np.ones(len(pairs)), rcond=None)
        if scale <= 0 or overhead < 0:  # too few, or too alike, for both
            scale, overhead = statistics.median(whole / total for total, whole in pairs), 0.0
        self.scale, self.overhead = float(scale), float(overhead)

    def errors(self, networks: Iterable[nn.Module], image: tuple[int, int, int]) -> list[float]:
        """How far each prediction is from the network's measured latency, as a share of that, with its sign."""
        found = []
        for network in networks:
            whole = self.measured(network, image)
            found.append(self.predict(network, image) / whole - 1)
        return found

    def measured(self, network: nn.Module, image: tuple[int, int, int]) -> float:
        """The whole network's latency."""
        return measured_latency(
            network, image, self.device, runtime=self.runtime, batch=self.batch, threads=self.threads
        ).median

    def _sum(self, network: nn.Module, image: tuple[int, int, int]) -> float:
        total = 0.0
        for key, module, shape in operations(network.to(self.device), (self.batch, *image)):
            if key not in self.milliseconds:
                taken: Any = shape[1:]
                found = measured_latency(module, taken, self.device, batch=shape[0], threads=self.threads)
                self.milliseconds[key] = found.median
            total += self.milliseconds[key]
        return total


def operations(network: nn.Module, shape: tuple[int, ...]) -> list[Operation]:
    """What ``network`` calls for images of ``shape``, in its order; modules that do not take one tensor are left out."""
    found: list[Operation] = []

    def keep(module: nn.Module, given: tuple[Any, ...]) -> None:
        if len(given) == 1 and isinstance(given[0], Tensor):
            taken = tuple(given[0].shape)
            found.append((f"{' '.join(repr(module).split())} {taken}", module, taken))

    hooks = [module.register_forward_pre_hook(keep) for module in _operations(network)]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(shape, device=next(network.parameters()).device))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return found


def _operations(module: nn.Module) -> Iterable[nn.Module]:
    if isinstance(module, _WHOLE) or not list(module.children()):
        yield module
        return
    for child in module.children():
        yield from _operations(child)


def summary(errors: Sequence[float]) -> str:
    """Errors in words.

    Examples:
        >>> summary([0.1, -0.2, 0.05])
        'error: median 10.0%, mean 11.7%, largest 20.0%, n = 3; mark at most 15% in the median: met'
    """
    sizes = sorted(map(abs, errors))
    median = statistics.median(sizes)
    verdict = "met" if median <= MARK else "NOT met"
    return (
        f"error: median {100 * median:.1f}%, mean {100 * statistics.mean(sizes):.1f}%, largest {100 * sizes[-1]:.1f}%, "
        f"n = {len(sizes)}; mark at most {100 * MARK:.0f}% in the median: {verdict}"
    )
