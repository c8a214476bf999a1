"""What is exported, from what the user names: which weights, and what their folder and the run's say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from records.errors import UserError
from records.run_files.settings_file import GENOTYPE, WEIGHTS
from training.data.datasets import FOLDER_SETS, DatasetInfo, dataset_names, is_array_file
from training.data.loading import require_fitting
from training.data.lookup import dataset_info
from training.export.model_facts import (
    Facts,
    recorded_accuracy,
    recorded_data,
    recorded_dataset,
    recorded_genotype,
    validation_images,
)

if TYPE_CHECKING:
    from search_space import Genotype
    from training.data.loading import Data

NO_DATASET = "none"


@dataclass(frozen=True)
class Candidate:
    """What a search measured of the architecture; ``accuracy`` in [0, 1] on validation images, None if failed."""

    index: int
    status: str
    accuracy: float | None


def gather(
    genotype: Genotype,
    weights: Path | None,
    home: Path | None,
    candidate: Candidate | None = None,
    *,
    dataset: str | None = None,
    data_dir: str | None = None,
) -> Facts:
    """The facts of an export.

    ``home`` is the folder of the genotype's run or file. The data set is the one named, else that of the weights'
    training, else that of ``home``; ``dataset`` "none" leaves the normalisation out. Raises ``UserError`` where
    it cannot be known, or does not fit the genotype, and for weights of another genotype.
    """
    training = None if weights is None else weights.parent
    if training is not None and recorded_genotype(training) not in (None, genotype.key()):
        raise UserError(
            f"{weights} was trained as genotype {recorded_genotype(training)}; what is exported is "
            f"{genotype.key()}: give {training / GENOTYPE} with these weights"
        )
    said: dict[str, Any] | None = None
    if candidate is not None:
        images = None if home is None else validation_images(home)
        said = {
            "index": candidate.index, "status": candidate.status,
            "validation_accuracy": candidate.accuracy, "validation_images": images,
        }  # fmt: skip
    info = None if dataset == NO_DATASET else _dataset(genotype, (training, home), dataset, data_dir)
    # The training's result is of the weights that it left, not of others that lie beside them.
    accuracy = recorded_accuracy(weights.parent) if weights is not None and weights.name == WEIGHTS else None
    return Facts(
        info, accuracy, said, None if info is None else _opener(info, (training, home), dataset, data_dir)
    )


def _opener(
    info: DatasetInfo, folders: tuple[Path | None, ...], name: str | None, data_dir: str | None
) -> Callable[[], Data] | None:
    """Opens the data set named, else that of the training or the run; None where no folder tells."""
    asked = next((found for folder in folders if folder is not None and (found := recorded_data(folder))), {})
    if name is not None and is_array_file(name):
        asked = {}  # a file that was named is where that says
    name = name or asked.get("dataset")
    if name is None:
        return None

    def load() -> Data:
        from training.data.loading import load_data

        where = data_dir or (asked.get("data_dir") if name == asked.get("dataset") else None)
        return load_data(name, where, info=info, validation=0.0, workers=0)

    return load


def _dataset(
    genotype: Genotype, folders: tuple[Path | None, ...], name: str | None, data_dir: str | None
) -> DatasetInfo:
    info: DatasetInfo | None = None
    if name in FOLDER_SETS:
        channels, height, width = genotype.image
        colour = channels if channels in (1, 3) else None
        info = dataset_info(name, data_dir, image_size=f"{height}x{width}", channels=colour)
    elif name is not None:
        info = dataset_info(name, data_dir)
    for folder in folders:
        if info is None and folder is not None:
            info = recorded_dataset(folder)
    if info is None:
        raise UserError(
            "it is not known on which data set the network is or will be trained, and so not how its pixels are "
            f"normalised; name it with --dataset ({', '.join(dataset_names())}, or {NO_DATASET}: the model then "
            "takes normalised images)"
        )
    require_fitting(genotype, info)
    return info
