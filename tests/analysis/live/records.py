"""Run folders as a search leaves them, without one: candidates of sampled architectures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from search_space import sample

GENOTYPES = [sample("darts-global", seed, image=(1, 8, 8), width=4, cells=2).to_json() for seed in range(5)]
HTML = "<img src=x onerror=window.hit=1>&amp;"


def candidate(index: int, **changes: Any) -> dict[str, Any]:
    """A record of ``candidates.jsonl``; accuracy and costs are functions of the index."""
    place = (index * 7919) % 1000
    return {
        "index": index, "genotype": GENOTYPES[index % len(GENOTYPES)], "status": "ok", "accuracy": 0.5 + place / 2500,
        "macs": 100_000 + 37 * ((index * 104_729) % 9973), "macs_published": 90_000 + index, "params": 1000 + 3 * place,
        "seconds": 1.5 + index % 7, "seed": 0, "history": [0.2, 0.5 + place / 2500], "error": None,
    } | changes  # fmt: skip


def failed(index: int, status: str = "failed", error: str = "the loss is nan") -> dict[str, Any]:
    return candidate(index, status=status, accuracy=None, history=[], error=error)


def run_folder(path: Path, records: list[dict[str, Any]], **settings: Any) -> Path:
    path.mkdir(parents=True)
    asked = {
        "space": "darts-global",
        "strategy": "random",
        "dataset": "digits",
        "trials": max(1, len(records)),
    }
    (path / "settings.json").write_text(json.dumps({"settings": asked | settings, "resolved": {}}))
    add(path, records)
    return path


def add(path: Path, records: list[dict[str, Any]]) -> None:
    with (path / "candidates.jsonl").open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
