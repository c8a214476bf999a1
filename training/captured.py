"""A training step on a GPU as a CUDA graph: recorded once, then asked for with one call.

The maps of these networks are small, so a GPU is done with a layer before Python has asked for the next one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
_UNRECORDED = (
    3  # steps first: what is made at the first call (buffers, plans of cuDNN, compiled kernels) is then there
)


class CapturedStep:
    """``step``, which asks the GPU for the same work for each batch and waits for no answer from it.

    ``step(images, labels)`` gives the loss and the logits. Its first calls are calls of ``step``. Then its work is
    recorded; what it gives is afterwards valid until the next call. A step that cannot be recorded, or a batch of
    another shape, goes through ``step``: slower, with the same result.
    """

    def __init__(self, step: Step) -> None:
        self._step, self._calls, self._refused = step, 0, False
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
        if self._graph is None and not self._record(images, labels):
            return self._step(images, labels)
        assert self._graph is not None
        if images.shape != self._images.shape:
            return self._step(images, labels)
        self._images.copy_(images)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._result

    def _beside(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """On a stream of its own, as recording is: what autograd keeps of a stream must not be the usual one's."""
        usual, own = torch.cuda.current_stream(), torch.cuda.Stream()
        own.wait_stream(usual)
        with torch.cuda.stream(own):
            result = self._step(images, labels)
        usual.wait_stream(own)
        return result

    def _record(self, images: Tensor, labels: Tensor) -> bool:
        self._images, self._labels = images.clone(), labels.clone()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self._result = self._step(self._images, self._labels)
        except RuntimeError:  # something in it waits for the GPU
            self._refused = True
            torch.cuda.synchronize()
            return False
        self._graph = graph
        return True
