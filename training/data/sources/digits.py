"""The embedded default data set: the 1,797 handwritten digits, 8x8 pixels, that come with scikit-learn."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np

from records.errors import UserError

COUNT = 1797
LEVELS = 16  # a pixel is the number of dark points in a 4x4 square


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 1, 8, 8) as uint8 in [0, 255] and labels (1797,) as int64.

    The file is read as scikit-learn ships it, because importing scikit-learn takes seconds, several times the
    training of a small network; where the file lies elsewhere, scikit-learn reads it.
    """
    table = _bundled_table()
    if table is None:
        table = _table_by_scikit_learn()
    if table.shape != (COUNT, 65):
        raise UserError(
            f"scikit-learn's digits have shape {table.shape}, not {(COUNT, 65)}; install it again"
        )
    pixels = np.round(table[:, :64] * (255 / LEVELS)).astype(np.uint8)
    return pixels.reshape(COUNT, 1, 8, 8), table[:, 64].astype(np.int64)


def _bundled_table() -> np.ndarray | None:
    package = importlib.util.find_spec("sklearn")  # looks the package up without running it
    if package is None or package.origin is None:
        raise UserError(
            "dataset digits comes with scikit-learn, which is not installed; pip install scikit-learn"
        )
    path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if not path.is_file():
        return None
    try:
        with gzip.open(path, "rt", encoding="ascii") as stream:
            numbers = stream.read().replace("\n", ",").rstrip(",")
        return np.array(numbers.split(","), dtype=np.float64).reshape(-1, 65)
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); install scikit-learn again") from error


def _table_by_scikit_learn() -> np.ndarray:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.concatenate([digits.data, digits.target[:, None]], axis=1)
