"""Trains one architecture to the end, and leaves a folder from which it can be used."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from records.checks import as_path, text
from records.errors import UserError
from records.files import naming_damage, read_json, write_errors, write_whole
from records.interface.terminal import say
from records.run_files.run_lock import LOCK, locked
from records.run_files.settings_file import GENOTYPE, RESULT, SETTINGS, WEIGHTS
from records.run_files.training_files import read_result
from records.text import percent_text
from training.checkpoint import require_same
from training.data.datasets import (
    FOLDER_SETS,
    DatasetInfo,
    ImageOptions,
    OtherData,
    is_array_file,
    located,
    sides,
    size_text,
)
from training.data.loading import Data, load_data, open_source, require_fitting
from training.data.prepare import prepare_data
from training.device import require_device, require_seed_and_threads
from training.evaluate import confusion, predict
from training.export import load_weights, save_weights
from training.fit import EpochResult, fit, require_trainable
from training.recipes.named import get_recipe
from training.recipes.recipe import Recipe

if TYPE_CHECKING:
    from search_space import Genotype

CHECKPOINT = "checkpoint.pt"
_LARGEST_CONFUSION = 20  # classes; a larger table says nothing at a glance


@dataclass(frozen=True)
class RetrainSettings:
    """``validation``: share of the training images held out in [0, 1), for the curve over the epochs; with 0
    all are trained on. ``train_limit`` and ``test_limit`` (images) are for trying things out. ``image_size``,
    ``channels`` and ``flip`` are asked of the images (see ``training.data.lookup.dataset_info``); where they are left
    open, images in folders are brought to the genotype's. ``device`` and ``threads`` (of the CPU, 0: torch's choice)
    may change when a training is continued.

    Examples:
        >>> RetrainSettings(recipe=get_recipe("fast", epochs=2), dataset="digits", seed=1).recipe.epochs
        2
    """

    recipe: Recipe = dataclasses.field(default_factory=lambda: get_recipe("fast"))
    dataset: str = "digits"
    data_dir: str | None = None
    seed: int = 0
    validation: float = 0.0
    train_limit: int | None = None
    test_limit: int | None = None
    image_size: int | str | None = None
    channels: int | None = None
    flip: str | None = None
    workers: int = 4
    device: str = "cpu"
    threads: int = 0

    def __post_init__(self) -> None:
        dataset, folder = located(self.dataset, self.data_dir)
        object.__setattr__(self, "dataset", dataset)
        # The same place from wherever the training is gone on with, or exported.
        object.__setattr__(self, "data_dir", None if folder is None else os.path.abspath(folder))
        ImageOptions.of(self.image_size, self.channels, self.flip)
        object.__setattr__(self, "image_size", _plain_size(self.image_size))
        require_seed_and_threads(self.seed, self.threads)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"recipe": self.recipe.to_json()}


def _plain_size(value: int | str | None) -> int | str | None:
    """28 for each of 28, ``"28"`` and ``"28x28"``."""
    if value is None:
        return None
    height, width = sides(value)
    return height if height == width else size_text((height, width))


# Where and with what means a training runs; the rest decides its outcome.
_FREE_ON_RESUME = ("device", "threads", "workers", "data_dir")
_FORMER_SIZE = 224  # what earlier versions wrote for image_size, whatever the images


def retrain(
    genotype: Genotype,
    settings: RetrainSettings,
    out_dir: str | Path,
    *,
    on_epoch: Callable[[EpochResult], None] | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Trains ``genotype`` and writes ``genotype.json``, ``weights.safetensors`` and ``result.json``.

    The result, also returned, holds the test accuracy after the last epoch, history, settings, cost and
    versions. A training that was stopped goes on from its last whole epoch when it is called again with the
    same settings; a finished one is read back. ``progress``: a bar on a terminal, elsewhere a line an epoch.
    ``UserError`` where ``out_dir`` holds anything else.
    """
    folder = as_path("out_dir", out_dir)
    require_device(settings.device)
    _require_free_or_same(folder, genotype, settings)
    if (folder / RESULT).exists():
        return _read_back(folder, genotype, settings, progress)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    info = _prepare(genotype, settings, folder)
    data = load_data(
        settings.dataset,
        settings.data_dir,
        info=info,
        device=settings.device,
        seed=settings.seed,
        validation=settings.validation,
        train_limit=settings.train_limit,
        test_limit=settings.test_limit,
        workers=settings.workers,
        randaugment=settings.recipe.randaugment,
    )
    model = genotype.build(settings.seed)
    _claim(folder, genotype, settings, info)  # once it can begin: a mistake until here leaves the folder free
    with locked(folder, "wait for it, or give another folder"):
        _require_free_or_same(folder, genotype, settings)  # nobody else has begun another one meanwhile
        if (folder / RESULT).exists():
            return _read_back(folder, genotype, settings, progress)
        result = _trained(genotype, settings, folder, model, data, info, on_epoch, progress)
        (folder / LOCK).unlink(missing_ok=True)  # from here on it is only read
        return result


def _read_back(folder: Path, genotype: Genotype, settings: RetrainSettings, tell: bool) -> dict[str, Any]:
    """The result of a training that has ended, if what it left is whole: a test accuracy without the weights that had
    it is of no use. Nor is one of other images than lie there now; where the data are gone it counts as it was."""
    where = Path(settings.data_dir or ".", "" if settings.dataset == "folder" else settings.dataset)
    if _on_own_data(settings) and where.exists():
        known = _known_info(folder)
        if known is not None:
            with _advising_another_folder():
                open_source(settings.dataset, settings.data_dir, known, torch.device("cpu"))
    result = _read(folder / RESULT, read_result)
    try:
        load_weights(genotype.build(), folder / WEIGHTS)
    except UserError as error:
        raise UserError(
            f"{folder} holds a training that has ended, but {error}; give another folder, or remove {folder / RESULT} to "
            "train anew"
        ) from error
    if not (folder / GENOTYPE).exists():  # without it nothing takes the weights
        genotype.save(folder / GENOTYPE)
    if tell:
        say(f"trained before, and read back from {folder}; another --out trains anew")
    return result


@contextlib.contextmanager
def _advising_another_folder() -> Iterator[None]:
    try:
        yield
    except OtherData as error:
        raise UserError(f"{error}, or another --out") from error


def _trained(
    genotype: Genotype,
    settings: RetrainSettings,
    folder: Path,
    model: nn.Module,
    data: Data,
    info: DatasetInfo,
    on_epoch: Callable[[EpochResult], None] | None,
    progress: bool,
) -> dict[str, Any]:
    trained = fit(
        model,
        data,
        settings.recipe,
        seed=settings.seed,
        device=settings.device,
        on_epoch=_telling(on_epoch, settings.recipe.epochs) if progress else on_epoch,
        checkpoint=folder / CHECKPOINT,
        progress=progress,
    )
    predicted, true = predict(model, data.test)
    save_weights(model, folder / WEIGHTS)
    cost = genotype.cost()
    result = {
        "test_accuracy": float((predicted == true).double().mean()),
        "test_images": len(true),
        "validation_accuracy": trained.accuracy,
        "params": cost.params,
        "macs": cost.macs,
        "macs_published": cost.macs_published,
        "seconds": trained.seconds,
        "history": [dataclasses.asdict(epoch) for epoch in trained.history],
        "settings": settings.to_json(),
        "dataset_info": info.to_json(),
        "versions": _versions(),
        "hardware": f"{_hardware(settings.device)}, {trained.precision}",
    }
    if data.info.classes <= _LARGEST_CONFUSION:
        result["confusion"] = confusion(predicted, true, data.info.classes).tolist()
    write_whole(folder / RESULT, json.dumps(result, indent=1))
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return result


def _telling(on_epoch: Callable[[EpochResult], None] | None, epochs: int) -> Callable[[EpochResult], None]:
    """``on_epoch``, after the epoch's line."""

    def tell(result: EpochResult) -> None:
        say(epoch_line(result, epochs))
        if on_epoch is not None:
            on_epoch(result)

    return tell


def epoch_line(result: EpochResult, epochs: int) -> str:
    """An epoch, of ``epochs``, for whoever waits for the training."""
    words = [f"loss {result.loss:.4f}", f"training accuracy {percent_text(result.train_accuracy)}%"]
    if result.accuracy is not None:
        words.append(f"validation accuracy {percent_text(result.accuracy)}%")
    if result.residual is not None:
        words.append(f"solver's residual {result.residual:.2g}")
    return f"[{result.epoch}/{epochs}] epoch {result.epoch}: {', '.join(words)}, {result.seconds:.1f} s"


def _require_free_or_same(folder: Path, genotype: Genotype, settings: RetrainSettings) -> None:
    """Makes the folder, or sees that it is of this very training."""
    path = folder / SETTINGS
    if path.exists():
        record = _read(path)
        try:
            before = _essential(record["settings"]) | {"genotype": record["genotype"]}
        except (AttributeError, KeyError, TypeError) as error:
            raise UserError(f"{path} is not of a training; give another folder") from error
        now = _essential(settings.to_json()) | {"genotype": genotype.key()}
        require_same(folder, before, now)
        place = record["settings"].get("data_dir")
        if place is not None:
            with naming_damage(path):
                text("data_dir", place)
        _require_same_place(folder, place, settings)
        return
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give a folder")
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty and holds no training to continue; give another folder")


def _on_own_data(settings: RetrainSettings) -> bool:
    return settings.dataset == "folder" or is_array_file(settings.dataset)


def _require_same_place(folder: Path, before: str | None, settings: RetrainSettings) -> None:
    """Data of one's own that lie elsewhere are others, but for a training to go on with after they were moved."""
    if not _on_own_data(settings):
        return
    if before is None or os.path.abspath(before) == os.path.abspath(settings.data_dir or "."):
        return
    if (folder / RESULT).exists() or os.path.exists(before):
        raise UserError(f"{folder} was trained on the data in {before}; give another --out")


def _known_info(folder: Path) -> DatasetInfo | None:
    """What a training in ``folder`` found of its data when it began."""
    kept = _read(folder / SETTINGS).get("dataset_info") if (folder / SETTINGS).exists() else None
    if kept is None:
        return None
    with naming_damage(f"dataset_info in {folder / SETTINGS}"):
        return DatasetInfo.from_json(kept)


def _prepare(genotype: Genotype, settings: RetrainSettings, folder: Path) -> DatasetInfo:
    """The facts of the data set, as they were when the training began, once all is seen to be in order."""
    known = _known_info(folder)
    in_folders = settings.dataset in FOLDER_SETS
    channels, height, width = genotype.image
    size, colour = (
        (f"{height}x{width}", channels if channels in (1, 3) else None) if in_folders else (None, None)
    )
    with _advising_another_folder():
        info = prepare_data(
            settings.dataset,
            settings.data_dir,
            known=known,
            image_size=settings.image_size or size,
            channels=settings.channels or colour,
            flip=settings.flip,
            validation=settings.validation,
            train_limit=settings.train_limit,
            test_limit=settings.test_limit,
            batch_size=settings.recipe.batch_size,
        ).info
    require_fitting(genotype, info)
    require_trainable(genotype.build, info.image, settings.recipe.batch_size)
    return info


def _claim(folder: Path, genotype: Genotype, settings: RetrainSettings, info: DatasetInfo) -> None:
    """Writes what is trained, and how, where it is not there yet, and where the data are, if they were moved."""
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / SETTINGS
    if not path.exists():
        record = {"genotype": genotype.key(), "settings": settings.to_json(), "dataset_info": info.to_json()}
        write_whole(path, json.dumps(record, indent=1))
    elif (record := _read(path))["settings"].get("data_dir") != settings.data_dir:
        record["settings"]["data_dir"] = settings.data_dir
        write_whole(path, json.dumps(record, indent=1))
    if not (folder / GENOTYPE).exists():
        genotype.save(folder / GENOTYPE)


def _read(path: Path, read: Callable[[Path], Any] = read_json) -> Any:
    try:
        return read(path)
    except UserError as error:
        raise UserError(f"{error}; give another folder, or remove the file to train anew") from error


def _essential(settings: dict[str, Any]) -> dict[str, Any]:
    flat = {
        name: value for name, value in settings.items() if name not in _FREE_ON_RESUME and name != "recipe"
    }
    flat["image_size"] = _plain_size(flat.get("image_size"))
    if settings["dataset"] != "folder" and flat["image_size"] == _FORMER_SIZE:
        flat["image_size"] = None
    return flat | {f"recipe {name}": value for name, value in settings["recipe"].items()}


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in ("pde-nas", "torch", "numpy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _hardware(device: str) -> str:
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
