"""What a network says of images it was not trained on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.data.split import Split

_BATCH = 512


@torch.no_grad()
def predict(model: nn.Module, split: Split, *, bf16: bool = False) -> tuple[Tensor, Tensor]:
    """The class that ``model``, in eval mode, gives each image of ``split``, and the true one: both (N,)."""
    was_training = model.training
    model.eval()
    device_type = next(model.parameters()).device.type
    predicted, true = [], []
    for images, labels in split.batches(_BATCH):
        with torch.autocast(device_type, torch.bfloat16, enabled=bf16):
            predicted.append(model(images).argmax(1))
        true.append(labels)
    model.train(was_training)
    return torch.cat(predicted), torch.cat(true)


def evaluate(model: nn.Module, split: Split, *, bf16: bool = False) -> float:
    """Share of ``split``'s images that ``model`` classifies rightly, in [0, 1]."""
    predicted, true = predict(model, split, bf16=bf16)
    return float((predicted == true).double().mean())


def confusion(predicted: Tensor, true: Tensor, classes: int) -> Tensor:
    """Counts (classes, classes): row is the true class, column the one given."""
    return torch.bincount(true * classes + predicted, minlength=classes**2).view(classes, classes)
