"""Arrays of a user's own, kept as a file beside the runs that are made of them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from records.errors import UserError
from records.files import write_errors
from records.run_files.settings_file import SETTINGS
from training.data.arrays import KEYS, as_array, save_arrays


@contextlib.contextmanager
def kept_arrays(arrays: Sequence[Any], folder: Path) -> Iterator[str]:
    """A file of ``arrays``, x_train, y_train, x_test, y_test, in ``folder``, named by what is in them. Where no run begins
    in the folder, what was written here is taken away again. Raises `UserError` for what `save_arrays` does not take."""
    if not isinstance(arrays, (list, tuple)) or len(arrays) != 4:
        given = (
            f"{len(arrays)} of them"
            if isinstance(arrays, (list, tuple))
            else f"of type {type(arrays).__name__}"
        )
        raise UserError(f"arrays is {given}; accepted: x_train, y_train, x_test, y_test")
    content = hashlib.sha256()
    for array in map(as_array, KEYS, arrays):
        content.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    path = folder / f"arrays-{content.hexdigest()[:12]}.npz"
    if path.is_file():
        yield str(path)
        return
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    begun = set(folder.glob(f"*/{SETTINGS}"))
    try:
        with write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        yield save_arrays(path, *arrays)
    finally:
        if set(folder.glob(f"*/{SETTINGS}")) == begun:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                for each in missing:
                    each.rmdir()
