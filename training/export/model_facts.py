"""What a user of an exported network must know: how to feed it, what comes out, what it costs, how good it is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from records.errors import UserError
from records.files import naming_damage, read_json
from training.data.datasets import DatasetInfo
from training.data.lookup import dataset_info

if TYPE_CHECKING:
    from search_space import Genotype
    from training.data.loading import Data

SETTINGS, RESULT = "settings.json", "result.json"  # of a run folder, and of a training's
DESCRIPTION = "model.json"
UNTRAINED = "UNTRAINED"


@dataclass(frozen=True)
class Accuracy:
    """Share of ``images`` images of a ``part``, "test" or "validation", that were classified rightly; None where
    their number was not recorded."""

    value: float
    part: str
    images: int | None

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value, "set": self.part, "images": self.images}


@dataclass(frozen=True)
class Facts:
    """``dataset``: that of the training, whose normalisation goes into the programs; with None they take images
    that are normalised already. ``accuracy`` is that of the weights; ``candidate`` what the search says of the
    architecture (index, status, accuracy), each None where it is not known. ``data`` opens the data set."""

    dataset: DatasetInfo | None = None
    accuracy: Accuracy | None = None
    candidate: dict[str, Any] | None = None
    data: Callable[[], Data] | None = None


def description(genotype: Genotype, facts: Facts, *, trained: bool) -> dict[str, Any]:
    """The content of ``model.json``, plain JSON."""
    info, cost = facts.dataset, genotype.cost()
    channels, height, width = genotype.image
    images: dict[str, Any] = {
        "name": "images", "type": "float32", "layout": "NCHW", "shape": ["batch", channels, height, width],
        "channels": {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels"),
    }  # fmt: skip
    if info is None:
        images |= {"range": "normalised as in the training; the model does not do it"}
    else:
        images |= {
            "range": [0, 255],
            "normalisation": {
                "mean": list(info.mean), "std": list(info.std), "of": "pixels / 255",
                "where": "in the model: raw pixels go in",
            },
        }  # fmt: skip
    return {
        "weights": "trained" if trained else _untrained(facts.candidate),
        "accuracy": None if facts.accuracy is None or not trained else facts.accuracy.to_json(),
        "input": images,
        "output": {"name": "logits", "type": "float32", "shape": ["batch", genotype.classes]},
        "class_names": None if info is None or not info.class_names else list(info.class_names),
        "dataset": None if info is None else info.name,
        "params": cost.params,
        "macs": cost.macs,
        "macs_published": cost.macs_published,
        "genotype": genotype.key(),
        "candidate": facts.candidate,
        "project": {"name": "pde-nas", "version": project_version()},
    }


def _untrained(candidate: dict[str, Any] | None) -> str:
    text = f"{UNTRAINED}: random weights"
    if candidate is not None and candidate["status"] != "ok":
        text += f"; candidate {candidate['index']} {outcome_words(candidate['status'])} in its search"
    return text


def outcome_words(status: str) -> str:
    """``failed``, ``was cancelled``, ``was trained in part``."""
    words = {"failed": "failed", "partial": "was trained in part"}
    return words.get(status, f"was {status}")


def project_version() -> str:
    try:
        return version("pde-nas")
    except PackageNotFoundError:
        return "not installed"


def properties(content: dict[str, Any]) -> dict[str, str]:
    """The description as texts by name, as ONNX keeps metadata: a text as it is, all else as JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in content.items()
    }


def recorded_dataset(folder: Path) -> DatasetInfo | None:
    """The data set of the search or training whose folder that is; None where it cannot be known. Raises ``UserError``
    where its record is damaged.

    A folder of an earlier version has the set's name alone; it trained images in folders with ImageNet's mean and
    deviation.
    """
    record = _read(folder / SETTINGS)
    resolved, settings = record.get("resolved"), record.get("settings")
    known = resolved.get("dataset") if isinstance(resolved, dict) else None
    known = known or record.get("dataset_info")
    if known is not None:
        with naming_damage(folder / SETTINGS):
            return DatasetInfo.from_json(known)
    try:
        if isinstance(settings, dict) and isinstance(settings.get("dataset"), str):
            name, data_dir = settings["dataset"], settings.get("data_dir")
            if name == "folder":
                info = dataset_info("imagenet", data_dir, image_size=settings.get("image_size", 224))
                return dataclasses.replace(info, name=name)
            return dataset_info(name, data_dir)
    except (UserError, TypeError):  # it is not there any more, or not as this version writes it
        return None
    return None


def recorded_data(folder: Path) -> dict[str, Any]:
    """The ``dataset`` and ``data_dir`` that the search or training in that folder was asked for; empty for none."""
    settings = _read(folder / SETTINGS).get("settings")
    if not isinstance(settings, dict) or not isinstance(settings.get("dataset"), str):
        return {}
    return {name: settings.get(name) for name in ("dataset", "data_dir")}


def validation_images(folder: Path) -> int | None:
    """How many images the search of that run folder judged its candidates by."""
    resolved = _read(folder / SETTINGS).get("resolved")
    count = resolved.get("validation_images") if isinstance(resolved, dict) else None
    return count if type(count) is int else None


def recorded_accuracy(folder: Path) -> Accuracy | None:
    """The test accuracy of the training whose folder that is, once it has ended."""
    result = _read(folder / RESULT)
    value, images = result.get("test_accuracy"), result.get("test_images")
    if not isinstance(value, float):
        return None
    return Accuracy(value, "test", images if type(images) is int else None)


def recorded_genotype(folder: Path) -> str | None:
    """The key of the genotype that was trained in that folder."""
    key = _read(folder / SETTINGS).get("genotype")
    return key if isinstance(key, str) else None


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none, since what it tells is not known then. Raises ``UserError`` for what is
    no JSON."""
    record = read_json(path) if path.is_file() else {}
    return record if isinstance(record, dict) else {}
