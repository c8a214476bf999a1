"""Epochs of a supernet for the tests, written as a one-shot search writes them."""

from __future__ import annotations

import json
import math
from pathlib import Path

CHOICES = 14
EQUAL = math.log(CHOICES)


def write_epochs(
    folder: Path, entropies: list[float], seconds: float = 10.0, edges: tuple[str, ...] = ("global_1",)
) -> None:
    """``oneshot.jsonl`` with an epoch for each entropy; accuracies are 0.1, 0.2, ...; ``edges``: of what is derived."""
    primitives = [f"primitive_{number}" for number in range(CHOICES - 1)]
    architecture = {"normal": [[[primitive, 0]] for primitive in edges]}
    lines = [
        {
            "default": number / 10, "epoch": number, "expected_macs": 1000 - number, "derived_macs": 900 - number,
            "entropy": entropy, "seconds": seconds, "genotype": {"settings": {"primitives": primitives}, "architecture": architecture},
        }
        for number, entropy in enumerate(entropies, start=1)
    ]  # fmt: skip
    (folder / "oneshot.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
