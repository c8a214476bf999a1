"""What is known of a search's data set without fetching it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from execution.settings import SearchSettings
from records.errors import UserError
from training.data.datasets import ARRAY_SETS, TRAINING_IMAGES, is_array_file
from training.data.loading import DEFAULT_FOLDER
from training.data.prepare import PreparedData, prepare_data

_KEPT = 16
_BUILT_IN = "digits"
_lock = threading.Lock()
_known: dict[str, PreparedData] = {}


def known_data(settings: SearchSettings) -> tuple[PreparedData | None, str | None]:
    """The facts of the data set, and what is to be said of them: that it is still to be fetched, say. None for the facts
    where only its images tell them, and these are elsewhere. Raises `UserError` for data that are wrong."""
    if settings.platform != "local":
        if settings.dataset in ARRAY_SETS:
            return _published(settings), "the data are looked at where trials run, once the search starts"
        return (
            None,
            f"the images of {settings.dataset} are elsewhere: they are looked at once the search starts",
        )
    file = _file(settings)
    if file is not None and settings.dataset in ARRAY_SETS and not file.is_file():
        return _published(
            settings
        ), f"{settings.dataset} is not in {file.parent} and is fetched once the search starts"
    request = settings.trial_settings().data_request()
    place = file if file is not None else Path(str(settings.data_dir or "."))
    key = json.dumps([request, place.stat().st_mtime_ns if place.exists() else None], default=str)
    with _lock:  # several who type the same wait for one look
        if key not in _known:
            found = prepare_data(**request)
            while len(_known) >= _KEPT:
                del _known[next(iter(_known))]
            _known[key] = found
        return _known[key], None


def _file(settings: SearchSettings) -> Path | None:
    """The file of arrays in which the images are or will be; None where they are no arrays."""
    if settings.dataset == _BUILT_IN:
        return None
    folder = Path(settings.data_dir) if settings.data_dir is not None else None
    if is_array_file(settings.dataset):
        return (folder or Path()) / settings.dataset
    if settings.dataset in ARRAY_SETS:
        return (folder or DEFAULT_FOLDER) / f"{settings.dataset}.npz"
    return None


def _published(settings: SearchSettings) -> PreparedData:
    """The facts of a data set with a name, as it is published."""
    trial = settings.trial_settings()
    info = trial.dataset_info()
    count = TRAINING_IMAGES.get(settings.dataset, 0) or 1437  # of digits, but for its test images
    count = min(count, settings.train_limit or count)
    held_out = round(count * settings.validation)
    if count - held_out < 1:
        raise UserError(
            f"validation is {settings.validation:g}; accepted: a share that leaves images to train on"
        )
    return PreparedData(info, count - held_out, held_out, 0)
