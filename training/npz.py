"""Reads ``<name>.npz`` lazily: only the arrays, and of these only the rows, that are asked for."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Literal

import numpy as np

from search_space.errors import UserError
from training.datasets import DatasetInfo

_LOCAL_HEADER_BYTES = 30  # of a zip member, before its name and its extra field


class ArrayFile:
    """An npz file with ``x_train``, ``y_train``, ``x_test``, ``y_test`` of the data set ``info``.

    Images are uint8, (N, H, W) or (N, H, W, C); labels are whole numbers, (N,). A file that is missing, cut
    short or holds something else raises ``UserError`` of one line.
    """

    def __init__(self, path: Path, info: DatasetInfo) -> None:
        self.path = path
        self.info = info
        if not path.is_file():
            raise UserError(f"no file {path}; it must hold the arrays x_train, y_train, x_test and y_test")
        try:
            with zipfile.ZipFile(path) as archive:
                self._members = {member.filename: member for member in archive.infolist()}
        except (zipfile.BadZipFile, OSError) as error:
            raise self._damaged(str(error)) from error
        missing = [
            key for key in ("x_train", "y_train", "x_test", "y_test") if f"{key}.npy" not in self._members
        ]
        if missing:
            found = ", ".join(name.removesuffix(".npy") for name in self._members) or "nothing"
            raise UserError(f"{path} lacks {', '.join(missing)}; it holds {found}")

    def labels(self, split: str) -> np.ndarray:
        """All labels of ``split`` ("train" or "test"): int64, (N,)."""
        labels = self._array(f"y_{split}")
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or len(labels) == 0:
            raise self._wrong(f"y_{split}", labels, "whole numbers of shape (N,)")
        labels = labels.astype(np.int64)
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= self.info.classes:
            raise UserError(
                f"{self.path}: y_{split} has labels from {low} to {high}; {self.info.name} has 0 to "
                f"{self.info.classes - 1}"
            )
        return labels

    def images(self, split: str, rows: np.ndarray | None = None) -> np.ndarray:
        """The images at ``rows`` of ``split`` (all if None): uint8, (N, C, H, W)."""
        channels, height, width = self.info.image
        images = self._array(f"x_{split}")
        accepted = [(height, width, channels)] + ([(height, width)] if channels == 1 else [])
        if images.dtype != np.uint8 or images.shape[1:] not in accepted:
            raise self._wrong(
                f"x_{split}", images, f"uint8 of shape (N, {', '.join(str(n) for n in accepted[-1])})"
            )
        count = len(self.labels(split))
        if len(images) != count:
            raise UserError(f"{self.path}: {len(images)} images in x_{split} but {count} labels in y_{split}")
        chosen = images if rows is None else images[rows]
        chosen = chosen.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
        return np.ascontiguousarray(chosen)

    def verify(self) -> None:
        """Reads the whole file against its checksums: about a second a gigabyte."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                damaged = archive.testzip()
        except (zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
            raise self._damaged(str(error)) from error
        if damaged is not None:
            raise self._damaged(f"checksum of {damaged} is wrong")

    def _array(self, key: str) -> np.ndarray:
        member = self._members[f"{key}.npy"]
        try:
            if member.compress_type == zipfile.ZIP_STORED:
                return self._mapped(member)
            with zipfile.ZipFile(self.path) as archive, archive.open(member) as stream:
                return np.lib.format.read_array(stream, allow_pickle=False)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, zlib.error) as error:
            raise self._damaged(f"{key}: {error}") from error

    def _mapped(self, member: zipfile.ZipInfo) -> np.ndarray:
        """A stored member lies in the file byte for byte, so it can be mapped instead of read."""
        with self.path.open("rb") as stream:
            stream.seek(member.header_offset)
            header = stream.read(_LOCAL_HEADER_BYTES)
            if header[:4] != b"PK\x03\x04":
                raise ValueError("not a zip member")
            # The local extra field's length may differ from the central directory's.
            skip = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            stream.seek(skip, 1)
            version = np.lib.format.read_magic(stream)
            read_header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, dtype = read_header(stream)
            if dtype.hasobject:
                raise ValueError("holds Python objects, which are not read")
            order: Literal["F", "C"] = "F" if fortran else "C"
            offset = stream.tell()
        return np.memmap(self.path, dtype, mode="r", offset=offset, shape=shape, order=order)

    def _wrong(self, key: str, array: np.ndarray, accepted: str) -> UserError:
        return UserError(
            f"{self.path}: {key} is {array.dtype} of shape {array.shape}; {self.info.name} needs {accepted}"
        )

    def _damaged(self, reason: str) -> UserError:
        reason = " ".join(reason.split())
        return UserError(f"{self.path} is damaged or no npz file ({reason}); write or download it again")
