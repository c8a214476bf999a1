"""How long a candidate takes to train, by its MACs: from earlier runs of this machine, or from some steps taken now."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from execution.own_python import module_command
from execution.settings import SearchSettings
from records.checks import number, whole_number
from records.errors import UserError
from records.files import read_json
from records.run_files.measurement_lines import read_measurements
from records.run_files.run_folder import CANDIDATES
from records.run_files.settings_file import SETTINGS
from search_space.problem import Problem
from search_space.sampling import random_genotype
from training.data.prepare import PreparedData

_MOST_RUNS = 30
_LEAST_CANDIDATES = 3
_DRAWN = 15  # architectures for the mean of MACs
_MEASURED = 3  # of them, for the pace
_SECONDS = 60.0  # for steps taken now, with the imports of the process
_measured: dict[str, Pace] = {}


@dataclass(frozen=True)
class Pace:
    """Seconds of training for an image and an epoch: ``fixed`` plus ``each`` times the network's MACs; ``source`` says
    from what.

    Examples:
        >>> pace = fitted([(1e6, 0.003), (2e6, 0.005), (3e6, 0.007)], "three runs")
        >>> round(pace.fixed, 6), round(pace.seconds(4_000_000), 6)
        (0.001, 0.009)
    """

    fixed: float
    each: float
    source: str

    def seconds(self, macs: float) -> float:
        """For a network of so many MACs."""
        return self.fixed + self.each * macs


def fitted(points: Sequence[tuple[float, float]], source: str) -> Pace:
    """The pace through points (MACs, seconds for an image and an epoch), neither part of it below zero."""
    macs, seconds = np.array(points, dtype=float).T
    scale = macs.max() or 1.0
    (fixed, each), _ = nnls(np.stack([np.ones_like(macs), macs / scale], axis=1), seconds)
    return Pace(float(fixed), float(each / scale), source)


def mean_macs(problem: Problem) -> float:
    """Of random architectures, in MACs."""
    costs = [random_genotype(problem, seed).cost().macs for seed in range(_DRAWN)]
    return sum(costs) / len(costs)


def earlier_pace(base: Path, settings: SearchSettings, data: PreparedData) -> Pace | None:
    """From the latest runs in ``base`` on this machine with such images, batches and threads; None where they are too
    few."""
    points: list[tuple[float, float]] = []
    runs = 0
    for folder in _latest(base):
        new = list(_points(folder, settings, data))
        points += new
        runs += bool(new)
    if len(points) < _LEAST_CANDIDATES:
        return None
    return fitted(points, f"{len(points)} candidates of {runs} earlier {'run' if runs == 1 else 'runs'} here")


def _latest(base: Path) -> list[Path]:
    """Run folders with candidates, the latest first."""
    files = [*base.glob(f"*/{CANDIDATES}"), *base.glob(f"*/searches/*/{CANDIDATES}")]
    files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    return [file.parent for file in files[:_MOST_RUNS]]


def _points(folder: Path, settings: SearchSettings, data: PreparedData) -> Iterator[tuple[float, float]]:
    try:
        record = read_json(folder / SETTINGS)
        resolved, machine = record["resolved"], record["machine"]
        recipe = resolved["recipe"]
        if _conditions(resolved, recipe, machine) != _own_conditions(settings, data):
            return
        epochs = whole_number("epochs", recipe["epochs"], 1, 10**9)
        images = number("train_images", resolved["train_images"], 1, 1e12)
        measured = read_measurements(folder / CANDIDATES)[0]
    except (UserError, KeyError, TypeError, AttributeError, OSError):
        return  # damaged, or of an earlier version: it says nothing
    for each in measured:
        if each.status == "ok" and each.epochs is None and each.seconds > 0:
            yield float(each.macs), each.seconds / (epochs * images)


def _conditions(resolved: Any, recipe: Any, machine: Any) -> tuple:
    return (
        tuple(resolved["dataset"]["image"]), recipe["batch_size"], resolved["device"], resolved["threads"],
        machine["processor"], machine["cores"],
    )  # fmt: skip


def _own_conditions(settings: SearchSettings, data: PreparedData) -> tuple:
    trial = settings.trial_settings()
    return (
        tuple(data.info.image), trial.make_recipe().batch_size, trial.device, trial.threads, platform.machine(), cpu_count(),
    )  # fmt: skip


def measured_pace(problem: Problem, settings: SearchSettings) -> Pace | None:
    """From some training steps of random architectures, taken now by a process of its own; None where that fails. What
    was measured once is kept."""
    trial = settings.trial_settings()
    genotypes = sorted(
        (random_genotype(problem, seed) for seed in range(_DRAWN)), key=lambda g: g.cost().macs
    )
    chosen = [genotypes[position] for position in (0, _DRAWN // 2, _DRAWN - 1)][:_MEASURED]
    request = {
        "genotypes": [genotype.to_json() for genotype in chosen],
        "batch": trial.make_recipe().batch_size,
        "device": trial.device,
        "threads": trial.threads,
    }
    key = json.dumps(request, sort_keys=True)
    if key not in _measured:
        try:
            points = json.loads(_steps(key))
            _measured[key] = fitted(points, f"steps of {len(points)} random networks, taken now")
        except (subprocess.TimeoutExpired, OSError, ValueError):
            return None
    return _measured[key]


def _steps(request: str) -> str:
    """What `execution.launching.steps` prints."""
    command = module_command("execution.launching.steps")
    done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=_SECONDS)
    return done.stdout
