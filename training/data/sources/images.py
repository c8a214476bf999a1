"""Image files: which there are in folders of classes, and their pixels.

Grey, palette, CMYK, 16-bit and transparent images are all brought to 8 bits of grey or of red, green and blue;
what is transparent becomes white, and an image that a camera stored turned is turned upright.
"""

from __future__ import annotations

import hashlib
import os
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from records.errors import UserError

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".ppm", ".pgm", ".pbm", ".pnm", ".bmp", ".gif", ".tif", ".tiff",
    ".webp",
)  # fmt: skip
# Images, too, but of a kind that is not read: to leave them out in silence would be wrong.
_OTHER_SUFFIXES = (
    ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".jpf", ".jpx", ".mpo", ".tga", ".svg", ".psd", ".dng", ".cr2", ".cr3",
    ".nef", ".arw", ".orf", ".raf", ".rw2",
)  # fmt: skip
# What Pillow raises for files that it cannot read, whole or in part.
_UNREADABLE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, MemoryError,
    NotImplementedError, AttributeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_MOST_HEADS = 50_000  # files whose head is looked at
_QUICKLY_DECODED = 3 * 10**8  # pixels: some seconds
_SAMPLE_SEED = 20250104
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


@dataclass(frozen=True)
class ImageFiles:
    """``paths`` and their ``labels``, int64 (N,)."""

    paths: list[str]
    labels: np.ndarray


def class_names(name: str, data_dir: str | Path | None) -> tuple[str, ...]:
    """The sorted names of the folders in ``<data_dir>/train``, which are the classes; hidden ones are left out."""
    needed = f"dataset {name} needs train/<class>/ and val/<class>/ folders"
    if data_dir is None:
        raise UserError(f"dataset {name} needs a data directory with train/<class>/ and val/<class>/ folders")
    folders = {}
    for part in ("train", "val"):
        folder = Path(data_dir) / part
        if not folder.is_dir():
            raise UserError(f"no folder {told(folder)}; {needed}")
        try:
            entries = [entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."]
        except OSError as error:
            raise UserError(f"{told(folder)} cannot be read: {error.strerror}") from error
        for entry in entries:
            if not entry.name.isprintable():
                raise UserError(f"class folder {str(entry)!r} has no printable name; rename it")
        folders[part] = sorted(entry.name for entry in entries)
    if len(folders["train"]) < 2:
        raise UserError(
            f"{told(Path(data_dir) / 'train')} has {len(folders['train'])} class folders; it needs 2 or more"
        )
    if folders["train"] != folders["val"]:
        odd = ", ".join(sorted(set(folders["train"]) ^ set(folders["val"]))[:5])
        raise UserError(
            f"train and val in {told(data_dir)} have different classes: {odd} in only one of them"
        )
    return tuple(folders["train"])


def list_images(folder: str | Path, classes: tuple[str, ...]) -> ImageFiles:
    """The images below ``<folder>/<class>``, in order of class and path; hidden files and those that are no images
    by their suffix are left out. Raises ``UserError`` for a class without images."""
    paths: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        of_class = sorted(_images_below(os.path.join(folder, name)))
        if not of_class:
            raise UserError(
                f"{told(os.path.join(folder, name))} has no images; each class needs some, with suffix "
                f"{', '.join(SUFFIXES)}"
            )
        paths += of_class
        labels += [label] * len(of_class)
    return ImageFiles(paths, np.asarray(labels, dtype=np.int64))


def fingerprint(data_dir: str | Path, parts: Iterable[ImageFiles]) -> str:
    """Of the files' names below ``data_dir`` and their sizes: another one where files were added, removed or replaced
    by others of another size."""
    digest, above = hashlib.sha256(), len(str(Path(data_dir)))
    for path in (path for files in parts for path in files.paths):
        try:
            size = os.stat(path).st_size
        except OSError as error:
            raise UserError(f"cannot read {told(path)}: {error.strerror}") from error
        digest.update(os.fsencode(path[above:].replace(os.sep, "/")) + b"\0%d\n" % size)
    return digest.hexdigest()[:16]


def _images_below(folder: str) -> list[str]:
    """Raises `UserError` for a folder that cannot be read: it would be taken for empty."""

    def refuse(error: OSError) -> None:
        raise UserError(f"cannot read {told(error.filename)}: {error.strerror}") from error

    images, seen = [], set()
    for parent, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # by a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if name[0] != "."]
        images += [os.path.join(parent, name) for name in files if _is_image(os.path.join(parent, name))]
    return images


def _is_image(path: str) -> bool:
    """By its name. Raises ``UserError`` for an image that cannot be read for what it is."""
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1].lower()
    if name[0] == "." or suffix not in SUFFIXES + _OTHER_SUFFIXES:
        return False
    if suffix in _OTHER_SUFFIXES:
        raise UserError(
            f"image {told(path)} is of a kind that is not read; accepted: {', '.join(SUFFIXES)}; convert or delete it"
        )
    if not os.path.isfile(path):
        raise UserError(f"image {told(path)} is no file, or a link to none; replace or delete it")
    return True


def read_size(path: str) -> tuple[int, int]:
    """(height, width) of an image as it is shown, from the head of its file. Raises ``UserError``."""
    try:
        with _opened(path) as image:
            width, height = image.size
            turned = (
                _orientation(image) >= 5 and image.format != "TIFF"
            )  # of which Pillow tells the turned size
            return (width, height) if turned else (height, width)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def read_sizes(paths: list[str]) -> list[tuple[int, int]]:
    """(height, width) of the images, of a sample where they are very many. Raises ``UserError``."""
    return [read_size(paths[row]) for row in shown_rows(sample(len(paths), _MOST_HEADS), "image files")]


def check_images(paths: list[str]) -> None:
    """Raises ``UserError`` for an image that cannot be read; they are decoded if that is a matter of seconds."""
    pixels = sum(height * width for height, width in read_sizes(paths))
    if len(paths) <= _MOST_HEADS and pixels <= _QUICKLY_DECODED:
        for row in shown_rows(range(len(paths)), "test images"):
            decode(paths[row], 1)


def sample(count: int, most: int) -> np.ndarray:
    """Rows of ``most`` of ``count`` images, all if there are no more; always the same ones."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(_SAMPLE_SEED).choice(count, most, replace=False))


def shown_rows(rows: Iterable[int], what: str) -> Iterable[int]:
    """``rows``, with a bar on a terminal if they take their time."""
    return tqdm(rows, desc=what, unit="image", leave=False, delay=1, disable=None)


def decode(path: str, channels: int) -> np.ndarray:
    """The pixels of an image, uint8 (channels, height, width), for ``channels`` 1 (grey) or 3 (RGB).

    Raises ``UserError`` that names a file that is damaged, cut short or no image.
    """
    try:
        with _opened(path) as image:
            stored = _Stored.of(image)
            image.load()
            turn = _UPRIGHT.get(_orientation(image))
            upright = image if turn is None else image.transpose(turn)
            pixels = np.array(_to_mode(upright, "L" if channels == 1 else "RGB", stored))
    except _UNREADABLE as error:
        if isinstance(error, UserError):
            raise UserError(f"image {told(path)} {error}") from error
        raise _unreadable(path, error) from error
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # what Pillow warns of (odd tags, say) either can be read, or is an error
        # By its name Pillow maps some files into memory; a turned TIFF's sides are confused there.
        with open(path, "rb") as file, Image.open(file) as image:
            yield image


class _Stored(NamedTuple):
    """What of an opened file Pillow forgets when it is loaded and turned: its format, whether a shade has 16 ``bits``, and
    whether 0 is white, of which Pillow thinks where there are 8."""

    form: str | None
    bits: int
    negative: bool

    @classmethod
    def of(cls, image: Image.Image) -> _Stored:
        tags = getattr(image, "tag_v2", {})
        bits = (
            (tags.get(258) or (8,))[0]
            if image.format == "TIFF"
            else 16
            if ";16" in str(getattr(image, "tile", ""))
            else 8
        )
        return cls(image.format, bits, image.format == "TIFF" and tags.get(262) == 0)


def _to_mode(image: Image.Image, mode: str, stored: _Stored) -> Image.Image:
    clear = image.info.get("transparency")
    if image.mode.startswith("I;16") or (image.mode == "I" and stored.form == "PPM"):
        if stored.form == "TIFF" and stored.bits != 16:
            raise UserError(f"has shades of {stored.bits} bits; accepted: 8 or 16 bits")
        # Pillow's own conversion would make white of all that is above 255.
        wide = np.asarray(image).astype(np.uint32)
        wide = 65535 - wide if stored.negative else wide
        narrow = ((np.minimum(wide, 65535) + 128) // 257).astype(np.uint8)
        if isinstance(clear, int):  # the value that is transparent, which Pillow asks of 8 bits alone
            narrow[wide == clear] = 255
        image = Image.fromarray(narrow)
    elif image.mode in ("I", "F"):
        raise UserError(
            f"has pixels of 32 bits (mode {image.mode}), whose range is not known; accepted: 8 or 16 bits"
        )
    elif stored.bits == 16 and isinstance(clear, tuple):  # of colours Pillow keeps the upper 8 bits
        image.info["transparency"] = tuple(shade >> 8 for shade in clear)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        image = white
    return image.convert(mode)


def _orientation(image: Image.Image) -> int:
    """As the camera held it: 1 to 8 (EXIF), 1 where nothing readable is said of it."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _UNREADABLE:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _unreadable(path: str, error: BaseException) -> UserError:
    reason = ""
    if isinstance(error, FileNotFoundError):
        return UserError(f"image {told(path)} is gone; put it back, or say where the images are now")
    if isinstance(error, PermissionError):
        reason = f" ({error.strerror})"
    elif isinstance(error, Image.DecompressionBombError):
        reason = " (it has more pixels than are taken for a photograph's)"
    elif os.path.isfile(path) and not os.path.getsize(path):
        reason = " (it is empty)"
    return UserError(f"image {told(path)} cannot be read{reason}; replace or delete it")


def told(path: str | Path) -> str:
    """A path on one line: as it is, or with escapes where it holds what cannot be printed."""
    text = str(path)
    return text if text.isprintable() else repr(text)
