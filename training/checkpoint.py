"""Training states on disk: written whole or not at all, and read without running what is in them."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from search_space.errors import UserError


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Writes ``state`` (tensors and plain values) to ``path``; a crash leaves the former file as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(unfinished, path)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """What ``save_checkpoint`` wrote. A damaged file raises ``UserError``."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise UserError(f"checkpoint {path} cannot be read; delete it to begin again") from error


def require_same(path: Path, saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuses to go on with a run whose settings have changed, naming each that differs."""
    differing = [
        f"{name} was {saved.get(name)!r}, now {now.get(name)!r}"
        for name in sorted(saved.keys() | now.keys())
        if saved.get(name) != now.get(name)
    ]
    if differing:
        raise UserError(f"{path} is of a run with other settings: {'; '.join(differing)}")
