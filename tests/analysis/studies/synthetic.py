"""Runs whose truth is known: architectures of named operations, and accuracies made of them by a formula."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.run import Run
from records.measurement import Measurement

OPERATIONS = ("skip_connect", "sep_conv_3x3", "dil_conv_3x3", "max_pool_3x3")
EDGES = 6


def candidate(index: int, operations: Sequence[str], width: int, macs: int, accuracy: float) -> Measurement:
    architecture = {"size": {"width": width, "cells": 3}, "normal": [[[name, 0] for name in operations]]}
    genotype = {"space": "darts-global", "architecture": architecture}
    return Measurement(
        index,
        genotype,
        "ok",
        min(max(accuracy, 0.0), 1.0),
        macs=macs,
        macs_published=macs,
        params=10,
        seconds=1.0,
        seed=0,
    )


def made_up_run(
    count: int,
    accuracy: Callable[[Sequence[str], int, int], float],
    *,
    seed: int = 0,
    with_global: float = 0.5,
    noise: float = 0.01,
    name: str = "run",
) -> Run:
    """``with_global``: the share of candidates that have one global layer; ``accuracy`` is of (operations, width,
    MACs), to which comes normal noise."""
    rng = random.Random(seed)
    made = []
    for index in range(count):
        operations = [rng.choice(OPERATIONS) for _ in range(EDGES)]
        if rng.random() < with_global:
            operations[0] = rng.choice(("global_1", "global_diffusion_5"))
        width = rng.choice((4, 8, 16))
        macs = round(1000 * width**2 * math.exp(rng.uniform(-0.3, 0.3)))
        value = accuracy(operations, width, macs) + rng.gauss(0, noise)
        made.append(candidate(index, operations, width, macs, value))
    settings = {"space": "darts-global", "strategy": "random", "dataset": "digits", "seed": seed}
    return Run(Path(name), settings, tuple(made))


def by_macs(macs: int) -> float:
    """An accuracy that rises by 5 points with each doubling of the MACs."""
    return 0.3 + 0.05 * math.log2(macs / 10_000)
