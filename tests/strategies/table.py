"""A table of accuracies with a known best, on which strategies play without any training."""

from __future__ import annotations

import dataclasses

from records.measurement import Measurement
from search_space import Genotype, get_space
from search_space.problem import Problem
from strategies.contract import MultiTrialStrategy

IMAGE, CLASSES = (1, 8, 8), 10
PROBLEM = Problem("darts-global", {"width": 4, "cells": 3, "nodes": 2}, IMAGE, CLASSES)
SIZES = Problem("darts-global", {"width": [4, 6], "cells": [2, 3], "nodes": 2}, IMAGE, CLASSES)
TINY = Problem("tiny-global", {"stages": 2, "depths": [1, 2]}, IMAGE, CLASSES)


def result(index: int, genotype: Genotype, accuracy: float | None) -> Measurement:
    cost = genotype.cost()
    return Measurement(
        index=index, genotype=genotype.to_json(), status="failed" if accuracy is None else "ok",
        accuracy=accuracy, macs=cost.macs, macs_published=cost.macs_published, params=cost.params,
        seconds=1.0, seed=0,
    )  # fmt: skip


def worth(genotype: Genotype) -> float:
    """Of cells the share of operations that are separable 3x3, of other networks that of operators with a global layer."""
    choices = get_space(genotype.space).choices(genotype.problem, genotype.architecture)
    operations = [str(each) for label, each in choices.items() if "/op" in label]
    return sum(each == "sep_conv_3x3" or "+global" in each for each in operations) / len(operations)


def play(
    strategy: MultiTrialStrategy, trials: int, *, at_once: int = 1, results: list[Measurement] | None = None
) -> list[Measurement]:
    """What ``trials`` candidates come to, ``at_once`` of them at the same time; they are added to ``results``."""
    results = [] if results is None else results
    for index in range(trials):
        genotype = strategy.propose(index, results[: max(0, index - at_once + 1)])
        results.append(judged(strategy, index, genotype, worth(genotype)))
    return results


def judged(
    strategy: MultiTrialStrategy, index: int, genotype: Genotype, accuracy: float | None
) -> Measurement:
    """What a search makes of a candidate of the strategy."""
    stage, found = strategy.stage(index), result(index, genotype, accuracy)
    if stage is None:
        return found
    return dataclasses.replace(
        found, epochs=stage.epochs, share=stage.share, continues=stage.continues,
        status="partial" if found.status == "ok" and not stage.whole else found.status,
    )  # fmt: skip


def begun(results: list[Measurement]) -> list[str]:
    """The keys of the architectures whose training began, each as often as it did."""
    return [Genotype.from_json(m.genotype).key() for m in results if m.continues is None]
