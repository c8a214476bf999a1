"""A training step on a GPU as a CUDA graph: recorded once, then asked for with one call.

The maps of these networks are small, so a GPU is done with a layer before Python has asked for the next one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
# Steps first: what is made at the first call (buffers, plans of cuDNN, compiled kernels) is then there.
_UNRECORDED = 3
_WAITED = "called a synchronizing CUDA operation"  # what torch says of a step that waits for the GPU


class CapturedStep:
    """``step``, which asks the GPU for the same work for each batch and waits for no answer from it.

    ``step(images, labels)`` gives the loss and the logits. Its first calls are calls of ``step``. Then its work is
    recorded; what it gives is afterwards valid until the next call. A step that cannot be recorded, or a batch of
    another shape, goes through ``step``: slower, with the same result; ``on_refused`` is called before the first.
    """

    def __init__(self, step: Step, on_refused: Callable[[], None] = lambda: None) -> None:
        self._step, self._on_refused = step, on_refused
        self._calls, self._refused = 0, False
        self._aside = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None

    @property
    def recorded(self) -> bool:
        return self._graph is not None

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        self._calls += 1
        if self._refused:
            return self._step(images, labels)
        if self._calls <= _UNRECORDED:
            return self._beside(images, labels)
        if self._graph is None:
            self._record(images, labels)
        assert self._graph is not None
        if images.shape != self._images.shape:
            return self._step(images, labels)
        self._images.copy_(images)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._result

    def _beside(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """On a stream of its own, as recording is: what autograd keeps of a stream must not be the usual one's. The
        last one is watched for waiting: a recording that fails leaves torch's random numbers unusable."""
        usual = torch.cuda.current_stream()
        self._aside.wait_stream(usual)
        with torch.cuda.stream(self._aside):
            if self._calls < _UNRECORDED:
                result = self._step(images, labels)
            else:
                result, self._refused = _watched(self._step, images, labels)
        usual.wait_stream(self._aside)
        if self._refused:
            self._on_refused()
        return result

    def _record(self, images: Tensor, labels: Tensor) -> None:
        self._images, self._labels = images.clone(), labels.clone()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._result = self._step(self._images, self._labels)
        self._graph = graph


def _watched(step: Step, images: Tensor, labels: Tensor) -> tuple[tuple[Tensor, Tensor], bool]:
    """What the step gives, and whether something in it waits for the GPU's answer."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            result = step(images, labels)
        finally:
            torch.cuda.set_sync_debug_mode(before)
    return result, any(_WAITED in str(each.message) for each in told)
