"""Finished trainings: read from their folders, kept as JSON lines, summed up over seeds.

A training's folder is what ``training.retrain`` leaves; its record holds all that tables and pictures need,
so that they can be made again from ``trainings.jsonl`` alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.errors import UserError
from records.run_files.settings_file import GENOTYPE, RESULT
from records.run_files.training_files import read_result
from search_space import Genotype, published
from search_space.genotype import GenotypeError
from search_space.paper.networks import published_names, published_network


@dataclass(frozen=True)
class Training:
    """One training. Accuracies are in [0, 1]; ``train_accuracies`` are on the (augmented) training images
    during each epoch, ``confusion[true][given]`` counts test images. ``network`` is the published name, or
    the genotype's key. ``residuals`` are of an equilibrium's solver in each epoch, None in one without: empty where
    the network has none."""

    network: str
    dataset: str
    recipe: str
    epochs: int
    seed: int
    train_limit: int | None
    test_accuracy: float
    test_images: int
    train_accuracies: tuple[float, ...]
    losses: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]
    params: int
    macs: int
    macs_published: int
    seconds: float
    threads: int
    hardware: str
    versions: dict[str, str]
    residuals: tuple[float | None, ...] = ()

    @property
    def group(self) -> tuple[str, str, str, int, int | None]:
        """What trainings that differ in their seed alone have in common."""
        return self.network, self.dataset, self.recipe, self.epochs, self.train_limit

    def to_json(self) -> dict[str, Any]:
        record = dataclasses.asdict(self)
        return record if self.residuals else {name: record[name] for name in record if name != "residuals"}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Training:
        lists = {name: tuple(record[name]) for name in ("train_accuracies", "losses")}
        lists["residuals"] = tuple(record.get("residuals", ()))
        return cls(**{**record, **lists, "confusion": tuple(map(tuple, record["confusion"]))})


@dataclass(frozen=True)
class Summary:
    """Trainings of one group, by rising seed; accuracies in percent, after the last epoch."""

    trainings: tuple[Training, ...]

    @property
    def accuracies(self) -> tuple[float, ...]:
        return tuple(100 * training.test_accuracy for training in self.trainings)

    @property
    def mean(self) -> float:
        return statistics.mean(self.accuracies)

    @property
    def deviation(self) -> float | None:
        """Over seeds (with n - 1); None for one."""
        return statistics.stdev(self.accuracies) if len(self.trainings) > 1 else None

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(training.seed for training in self.trainings)

    def confusion(self) -> list[list[float]]:
        """Mean counts over seeds, a row a true class."""
        tables = [training.confusion for training in self.trainings]
        return [
            [statistics.mean(t[true][given] for t in tables) for given in range(len(tables[0]))]
            for true in range(len(tables[0]))
        ]


def read_training(folder: str | Path) -> Training:
    """The training in ``folder``. Raises ``UserError`` if there is none or it is not finished."""
    folder = Path(folder)
    if not (folder / RESULT).is_file():
        raise UserError(f"{folder} holds no finished training: there is no {RESULT}")
    try:
        result = read_result(folder / RESULT)
        settings, history = result["settings"], result["history"]
        return Training(
            network=network_name(Genotype.load(folder / GENOTYPE)),
            dataset=settings["dataset"],
            recipe=settings["recipe"]["name"],
            epochs=settings["recipe"]["epochs"],
            seed=settings["seed"],
            train_limit=settings["train_limit"],
            test_accuracy=result["test_accuracy"],
            test_images=result["test_images"],
            train_accuracies=tuple(round(epoch["train_accuracy"], 6) for epoch in history),
            losses=tuple(round(epoch["loss"], 6) for epoch in history),
            confusion=tuple(map(tuple, result.get("confusion", ()))),
            params=result["params"],
            macs=result["macs"],
            macs_published=result["macs_published"],
            seconds=round(result["seconds"], 1),
            threads=settings["threads"],
            hardware=result["hardware"],
            versions=result["versions"],
            residuals=_residuals(history),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / RESULT} is not of a training: {error}") from error


def _residuals(history: list[dict[str, Any]]) -> tuple[float | None, ...]:
    found = tuple(epoch.get("residual") for epoch in history)
    return found if any(residual is not None for residual in found) else ()


def network_name(genotype: Genotype) -> str:
    """The published network that this is, whatever its classes and images; else the genotype's key."""
    return _published_keys(genotype.space, genotype.image, genotype.classes).get(
        genotype.key(), genotype.key()
    )


@functools.lru_cache(maxsize=64)
def _published_keys(space: str, image: tuple[int, int, int], classes: int) -> dict[str, str]:
    found = {}
    for name in published_names(ablations=True):
        if published_network(name).space == space:
            with contextlib.suppress(GenotypeError):  # of those for which the image is too small
                found[published(name, image=image, num_classes=classes).key()] = name
    return found


def summaries(trainings: Iterable[Training]) -> list[Summary]:
    """Trainings together that differ in their seed alone, in the order in which they first occur."""
    groups: dict[Any, dict[int, Training]] = {}
    for training in trainings:
        groups.setdefault(training.group, {})[training.seed] = training
    return [Summary(tuple(group[seed] for seed in sorted(group))) for group in groups.values()]


def read_trainings(path: str | Path) -> list[Training]:
    """The trainings in a file of ``trainings_text``. Raises ``UserError`` naming the line that is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UserError(
            f"cannot read {path}: {reason}; accepted: a file of trainings, a line each"
        ) from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(Training.from_json(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"line {number} of {path} is not a training's") from error
    return found


def trainings_text(trainings: Sequence[Training]) -> str:
    """One JSON line each."""
    return "".join(json.dumps(training.to_json()) + "\n" for training in trainings)
