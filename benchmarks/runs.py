"""Trainings of a benchmark, one line of JSON each in a file that a later call goes on from."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

_Case = TypeVar("_Case")


def all_runs(
    path: Path,
    cases: Sequence[_Case],
    key: Callable[[dict[str, Any]], _Case],
    run: Callable[[_Case], dict[str, Any]],
    on_kept: Callable[[dict[str, Any]], None] = lambda record: None,
) -> list[dict[str, Any]]:
    """The records in ``path``, those among ``cases`` that it lacked made by ``run`` and appended; ``on_kept`` is called
    with each once it stands there, to take its checkpoint away, say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = [key(record) for record in records]
    with path.open("a", encoding="utf-8") as file:
        for case in tqdm([case for case in cases if case not in done], unit="run"):
            records.append(run(case))
            file.write(json.dumps(records[-1]) + "\n")
            file.flush()
            on_kept(records[-1])
    return records


def mean_and_deviation(values: Sequence[float], digits: int = 1) -> str:
    """``80.2 ± 0.4``: mean and standard deviation; the mean alone of a single value."""
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean
