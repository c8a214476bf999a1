"""Fetches a data set with torchvision and stores it once as ``<name>.npz``, which opens quickly."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import numpy as np

from records.errors import UserError
from training.data.arrays import write_npz

_CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10", "cifar100": "CIFAR100"}
_NETWORK_TIMEOUT_SECONDS = 30.0


def download(name: str, path: Path) -> None:
    """Writes ``path`` with ``x_train``, ``y_train``, ``x_test``, ``y_test``.

    torchvision's own files in ``path``'s folder are used where they are complete. Several processes may ask
    at once: one downloads, the others wait. Without a network: ``UserError``.
    """
    if name not in _CLASSES:
        raise UserError(
            f"dataset {name} has no file {path}, and no place to be downloaded from; put {path.name} there, or say "
            "where it is with --data-dir"
        )
    from filelock import FileLock

    new_folder = not path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                write_npz(path, _fetch(name, path.parent))
    except (OSError, RuntimeError) as error:
        if new_folder:
            shutil.rmtree(path.parent, ignore_errors=True)
        reason = " ".join(str(error).split())
        raise UserError(
            f"dataset {name} is not in {path.parent} and cannot be downloaded ({reason}); put {path.name} "
            "with x_train, y_train, x_test, y_test into a folder and give it as the data directory"
        ) from error


def _fetch(name: str, folder: Path) -> dict[str, np.ndarray]:
    import torchvision.datasets

    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_NETWORK_TIMEOUT_SECONDS)
    try:
        arrays = {}
        for split in ("train", "test"):
            # MNIST and FashionMNIST name their folder after the class; CIFAR's names its own.
            part = getattr(torchvision.datasets, _CLASSES[name])(
                folder, train=split == "train", download=True
            )
            arrays[f"x_{split}"] = np.asarray(part.data, dtype=np.uint8)
            arrays[f"y_{split}"] = np.asarray(part.targets, dtype=np.int64)
        return arrays
    finally:
        socket.setdefaulttimeout(previous)
