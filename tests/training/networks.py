"""What the tests of this room train: seconds, not minutes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pde_ops import Cost
from training.data.datasets import DatasetInfo
from training.data.loading import Data
from training.data.split import DeviceSplit

CPU = torch.device("cpu")


class TinyNet(nn.Module):
    """One convolution, dropout and batch norm; an auxiliary head in train mode where asked for."""

    def __init__(
        self, channels: int = 1, classes: int = 10, *, dropout: float = 0.1, auxiliary: bool = False
    ):
        super().__init__()
        self.conv = nn.Conv2d(channels, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(32, classes)
        self.side = nn.Linear(32, classes) if auxiliary else None

    def forward(self, images: Tensor) -> Any:
        features = torch.relu(self.norm(self.conv(images)))
        features = nn.functional.adaptive_avg_pool2d(features, 2).flatten(1)
        logits = self.head(self.dropout(features))
        return (logits, self.side(features)) if self.training and self.side is not None else logits


@dataclass(frozen=True)
class TinyGenotype:
    """Stands in for a search space's genotype."""

    image: tuple[int, int, int] = (1, 8, 8)
    classes: int = 10
    scale: float = 1.0

    def build(self, seed: int | None = None) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            if seed is not None:
                torch.manual_seed(seed)
            model = TinyNet(self.image[0], self.classes)
        model.head.weight.data *= self.scale
        return model

    def cost(self) -> Cost:
        return Cost(params=182, macs=1232, macs_published=1488)

    def to_json(self) -> dict[str, Any]:
        return {"space": "tiny", "scale": self.scale}

    def key(self) -> str:
        return json.dumps(self.to_json())

    def save(self, path: Path) -> None:
        path.write_text(self.key())


def coloured(count: int = 96, *, validation: bool = True) -> Data:
    """Two classes that one pixel value tells apart: 1x8x8, dark or bright, with noise."""
    random = np.random.default_rng(0)
    info = DatasetInfo("coloured", (1, 8, 8), 2, (0.5,), (0.25,), flip=True)

    def split(size: int) -> DeviceSplit:
        labels = np.arange(size) % 2
        pixels = 60 + 120 * labels[:, None, None, None] + random.integers(-40, 40, (size, 1, 8, 8))
        return DeviceSplit(torch.from_numpy(pixels.astype(np.uint8)), torch.from_numpy(labels), info, CPU)

    train, held_out, test = split(count), split(40), split(40)
    return Data(info, train, held_out if validation else None, lambda: test)


def write_arrays(path: Path, info: DatasetInfo, *, train: int = 60, test: int = 20, **changed: Any) -> Path:
    """An npz of random images, classes in turn; ``changed`` replaces keys or, where None, drops them."""
    random = np.random.default_rng(1)
    channels, height, width = info.image
    shape = (height, width, channels) if channels > 1 else (height, width)
    arrays: dict[str, Any] = {
        "x_train": random.integers(0, 256, (train, *shape), dtype=np.uint8),
        "y_train": np.arange(train) % info.classes,
        "x_test": random.integers(0, 256, (test, *shape), dtype=np.uint8),
        "y_test": np.arange(test) % info.classes,
    } | changed
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path
