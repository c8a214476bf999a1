"""A network on its way out: with its normalisation, and recorded as each form needs it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from records.errors import UserError
from training.data.datasets import DatasetInfo

if TYPE_CHECKING:
    from training.data.loading import Data
    from training.export.recording.recorder import Recording


class NotExportable(Exception):
    """The network, or something of it, has no such form; the message says why on one line."""


class Network:
    """``model`` in eval mode for raw pixels (N, ``*image``) from 0 to 255, as ``info``'s images were normalised in
    training; with None for normalised images. ``data`` opens that data set, where it is known where it lies.
    ``trained``: its weights are, and lie beside what is written."""

    def __init__(
        self,
        model: nn.Module,
        image: tuple[int, ...],
        info: DatasetInfo | None,
        data: Callable[[], Data] | None = None,
        *,
        trained: bool = False,
    ) -> None:
        self.model = model.eval().requires_grad_(False)
        self.whole = self.model if info is None else Normalised(self.model, info)
        self.info = info
        self.image = image
        self.trained = trained
        self._data = data
        self.differences: dict[str, float] = {}
        self._recordings: dict[str, Recording | NotExportable] = {}

    def recording(self, form: str) -> Recording:
        """What it does, simplified, with the layers written out as ``form`` has them (`recording.written_out`). Raises
        `NotExportable`."""
        if form not in self._recordings:
            self._recordings[form] = self._recorded(form)
        found = self._recordings[form]
        if isinstance(found, NotExportable):
            raise found
        return found

    def _recorded(self, form: str) -> Recording | NotExportable:
        from training.export.recording.recorder import record
        from training.export.recording.simplify import simplify

        if self.adaptive:
            return NotExportable(self.adaptive)
        try:
            recording = record(self.whole, self.image, form)
            simplify(recording)
            self.differences[form] = self._difference(recording)
        except Exception as error:  # noqa: BLE001 - a module of the user may fail in any way when it is recorded
            return NotExportable(
                f"the network cannot be recorded ({type(error).__name__}: {first_line(error)})"
            )
        return recording

    @functools.cached_property
    def adaptive(self) -> str | None:
        """Why it has no form of a fixed number of steps, where it has none."""
        names = (type(m).__name__ for m in self.whole.modules() if getattr(m, "adaptive", False))
        name = next(names, None)
        steps = "takes as many steps as the images need, a program a fixed number"
        return None if name is None else f"the solver of {name} {steps}"

    def _difference(self, recording: Recording) -> float:
        """The largest of the recording's logits from the network's, for three images."""
        images = self.examples(3)
        with torch.no_grad():
            return float((recording.run(images)[0] - self.whole(images)).abs().max())

    def open_data(self) -> Data:
        """The data set. Raises `NotExportable`."""
        if self._data is None or self.info is None:
            raise NotExportable("it needs images of the data set; name it with --dataset and --data-dir")
        try:
            return self._data()
        except UserError as error:
            raise NotExportable(f"it needs images of the data set: {error}") from error

    def run(self, images: Tensor) -> Tensor:
        """Its logits."""
        with torch.inference_mode():
            return self.whole(images)

    def examples(self, count: int) -> Tensor:
        """Images of random pixels."""
        return 255 * torch.rand(count, *self.image, generator=torch.Generator().manual_seed(0))


class Normalised(nn.Module):
    """``model`` for raw pixels, 0 to 255, as the data set's images were normalised in training."""

    pixel_scale: Tensor
    pixel_offset: Tensor

    def __init__(self, model: nn.Module, info: DatasetInfo) -> None:
        super().__init__()
        self.model = model
        std = torch.tensor(info.std).view(-1, 1, 1)
        self.register_buffer("pixel_scale", 1 / (255 * std))
        self.register_buffer("pixel_offset", -torch.tensor(info.mean).view(-1, 1, 1) / std)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model(pixels * self.pixel_scale + self.pixel_offset)


def first_line(error: BaseException) -> Any:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")
