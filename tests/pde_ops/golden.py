"""The golden cases of the published layer; not shipped; their tests skip where they are absent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "golden"
INDEX = FOLDER / "index.json"
CASES = json.loads(INDEX.read_text())["cases"] if INDEX.exists() else {}
ABSENT = f"golden cases are not here ({FOLDER})"


def load(name: str) -> dict[str, torch.Tensor]:
    """The arrays of a case, as tensors."""
    with np.load(FOLDER / CASES[name]["file"]) as archive:
        return {key: torch.from_numpy(archive[key]) for key in archive.files}


def part(data: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The entries below ``prefix/``, without it."""
    return {key[len(prefix) + 1 :]: value for key, value in data.items() if key.startswith(prefix + "/")}
