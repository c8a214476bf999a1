"""Reads a file of arrays lazily: only the arrays, and of these only the rows, that are asked for."""

from __future__ import annotations

import hashlib
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Literal

import numpy as np

from records.errors import UserError
from training.data.arrays import Arrays
from training.data.datasets import DatasetInfo

_LOCAL_HEADER_BYTES = 30  # of a zip member, before its name and its extra field


class ArrayFile(Arrays):
    """An npz file with the arrays of `Arrays`.

    A file that is missing, cut short or holds something else raises ``UserError`` of one line.
    """

    def __init__(self, path: Path, info: DatasetInfo | None = None) -> None:
        self.path = path
        if not path.is_file():
            raise UserError(f"no file {path}; it must hold the arrays x_train, y_train, x_test and y_test")
        try:
            with zipfile.ZipFile(path) as archive:
                self._members = {
                    member.filename: member
                    for member in archive.infolist()
                    if member.filename.endswith(".npy")
                }
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self._damaged(str(error)) from error
        super().__init__({name.removesuffix(".npy"): None for name in self._members}, info, where=str(path))

    def fingerprint(self) -> str:
        """By the checksums of the arrays that stand in the file's directory."""
        members = sorted((name, member.CRC, member.file_size) for name, member in self._members.items())
        return hashlib.sha256(repr(members).encode()).hexdigest()[:16]

    def verify(self) -> None:
        """Reads the whole file against its checksums: about a second a gigabyte."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                damaged = archive.testzip()
        except (
            zipfile.BadZipFile,
            OSError,
            EOFError,
            zlib.error,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise self._damaged(str(error)) from error
        if damaged is not None:
            raise self._damaged(f"checksum of {damaged} is wrong")

    def array(self, key: str) -> np.ndarray:
        member = self._members[f"{key}.npy"]
        try:
            if member.compress_type == zipfile.ZIP_STORED:
                return self._mapped(member, key)
            with zipfile.ZipFile(self.path) as archive:
                with archive.open(member) as stream:
                    shape, _, dtype = self._header(stream, key)
                    held = member.file_size - stream.tell()
                if math.prod(shape) * dtype.itemsize != held:  # memory is asked for by the shape
                    raise ValueError(f"its shape is {shape} of {dtype}, in {held} bytes")
                with archive.open(member) as stream:
                    return np.lib.format.read_array(stream, allow_pickle=False)
        except UserError:
            raise
        except (
            zipfile.BadZipFile, OSError, EOFError, ValueError, TypeError, zlib.error, NotImplementedError,
            RuntimeError, SyntaxError, tokenize.TokenError,
        ) as error:  # fmt: skip
            raise self._damaged(f"{key}: {error}") from error

    def _mapped(self, member: zipfile.ZipInfo, key: str) -> np.ndarray:
        """A stored member lies in the file byte for byte, so it can be mapped instead of read."""
        with self.path.open("rb") as stream:
            stream.seek(member.header_offset)
            header = stream.read(_LOCAL_HEADER_BYTES)
            if header[:4] != b"PK\x03\x04":
                raise ValueError("not a zip member")
            # The local extra field's length may differ from the central directory's.
            skip = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            stream.seek(skip, 1)
            shape, fortran, dtype = self._header(stream, key)
            order: Literal["F", "C"] = "F" if fortran else "C"
            offset = stream.tell()
        if 0 in shape or not dtype.itemsize:  # nothing that could be mapped
            return np.empty(shape, dtype)
        return np.memmap(self.path, dtype, mode="r", offset=offset, shape=shape, order=order)

    def _header(self, stream: IO[bytes], key: str) -> tuple[tuple[int, ...], bool, np.dtype]:
        version = np.lib.format.read_magic(stream)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read_header(stream)
        if dtype.hasobject:
            raise UserError(
                f"{self.path}: {key} holds Python objects, which are not read; accepted: arrays of numbers, and of "
                "text for class_names"
            )
        return shape, fortran, dtype

    def _damaged(self, reason: str) -> UserError:
        reason = " ".join(reason.split())
        return UserError(f"{self.path} is damaged or no npz file ({reason}); write or download it again")
