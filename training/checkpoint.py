"""Training states on disk: written whole or not at all, and read without running what is in them."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch

from records.errors import UserError
from records.files import write_errors, write_whole


def make_place(path: Path) -> None:
    """Makes the folder of a checkpoint, before a training begins. Raises ``UserError`` where it cannot be made, as where
    the folder around it is not there any more."""
    with write_errors(path):
        path.parent.mkdir(exist_ok=True)


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Writes ``state`` to ``path``; a crash leaves the former file as it was.

    Its folder is there since `make_place`. Where it was moved meanwhile it is not made again, for the training would
    end in two halves.

    It holds tensors and plain values, and at ``settings`` those that must be the same to go on (a dictionary).

    Raises ``UserError`` where it cannot be written.
    """
    content = io.BytesIO()  # torch's own words for a full disk say neither that nor where
    torch.save(state, content)
    write_whole(path, content.getbuffer())


# What `zipfile` and `torch.load` raise for files that were cut, changed or are something else.
_UNREADABLE = (
    OSError, EOFError, RuntimeError, LookupError, TypeError, ValueError, AttributeError, OverflowError, MemoryError,
    pickle.UnpicklingError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """What ``save_checkpoint`` wrote; a ``UserError`` for a damaged file and one of something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the error says it
            with zipfile.ZipFile(path) as archive:
                if (changed := archive.testzip()) is not None:  # torch reads a changed byte without a word
                    raise zipfile.BadZipFile(changed)
            state = torch.load(path, map_location=device, weights_only=True)
    except _UNREADABLE as error:
        raise UserError(f"checkpoint {path} cannot be read; delete it to begin again") from error
    if not isinstance(state, dict) or not isinstance(state.get("settings"), dict):
        raise UserError(f"checkpoint {path} is not of a training; delete it to begin again")
    return state


def require_same(path: Path, saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuses to go on with a run whose settings have changed, naming each that differs."""
    differing = [
        f"{name} was {saved.get(name)!r}, now {now.get(name)!r}"
        for name in sorted(saved.keys() | now.keys())
        if saved.get(name) != now.get(name)
    ]
    if differing:
        raise UserError(f"{path} is of a run with other settings: {'; '.join(differing)}")
