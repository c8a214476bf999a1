"""Records of trainings for tests."""

from __future__ import annotations

from typing import Any

from analysis.training import Training


def training(**changes: Any) -> Training:
    """A finished training of two epochs on three classes of ten images."""
    values: dict[str, Any] = {
        "network": "MNIST-Residual", "dataset": "mnist", "recipe": "mnist-backbone", "epochs": 30, "seed": 0,
        "train_limit": None, "test_accuracy": 0.8, "test_images": 10, "train_accuracies": (0.5, 0.75),
        "losses": (1.5, 0.5), "confusion": ((3, 1, 0), (0, 3, 1), (0, 0, 2)), "params": 524,
        "macs": 42_826, "macs_published": 53_802, "seconds": 100.0, "threads": 1, "hardware": "a CPU",
        "versions": {"torch": "2"},
    }  # fmt: skip
    return Training(**(values | changes))
