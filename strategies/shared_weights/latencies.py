"""Latencies of networks that are judged on shared weights: predicted, for thousands cannot be timed each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from records.errors import UserError
from records.files import naming_damage, read_json, write_whole
from records.interface.terminal import say
from search_space.problem import Problem
from search_space.sampling import random_genotype
from training.latency_table import LatencyTable, summary
from training.trial_settings import TrialSettings

CALIBRATION, TESTED = (
    8,
    50,
)  # random networks: those that the table is fitted to, and those that tell its error


def latency_table(problem: Problem, trial: TrialSettings, seed: int, path: Path) -> LatencyTable:
    """A table of the latencies that ``trial`` measures, fitted to random networks of the problem; how far it is off for
    others is printed, and kept in ``path`` with the table. Where that file is, it is read back.

    Raises `UserError` for a damaged one.
    """
    table = LatencyTable(
        batch=trial.latency_batch, threads=trial.latency_threads, runtime=trial.latency_runtime, device=trial.device,
    )  # fmt: skip
    if path.is_file():
        _read(table, path)
        return table
    networks = (
        random_genotype(problem, seed + number).build(seed=0) for number in range(CALIBRATION + TESTED)
    )
    say(f"latency table: {CALIBRATION + TESTED} random networks are measured")
    table.calibrate([next(networks) for _ in range(CALIBRATION)], problem.image)
    errors = table.errors(networks, problem.image)
    say(f"latency table: {summary(errors)}")
    write_whole(path, json.dumps(_kept(table) | {"errors": [round(each, 4) for each in errors]}) + "\n")
    return table


def _kept(table: LatencyTable) -> dict[str, Any]:
    return {"milliseconds": table.milliseconds, "scale": table.scale, "overhead": table.overhead}


def _read(table: LatencyTable, path: Path) -> None:
    kept = read_json(path)
    with naming_damage(path):
        try:
            table.milliseconds = {str(name): float(value) for name, value in kept["milliseconds"].items()}
            table.scale, table.overhead = float(kept["scale"]), float(kept["overhead"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                "it is not a table of latencies; without the file it is measured again"
            ) from error
