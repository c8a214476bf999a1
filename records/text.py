"""Numbers as a person reads them, the same in terminal, pictures and reports: accuracy in percent, counts in
three digits, times with their unit."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from pathlib import Path

_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
# A path begins neither within a web address nor within a relative path or a fraction, but in file:///a/b.
_BEFORE = r"(?:(?<![\w/.~-])|(?<=://)|(?<=:///))"
_PART = r"[^\s/'\"`:,;|<>()]+"
_PATH = re.compile(rf"{_BEFORE}/(?:{_PART}/)+(?:{_PART})?|(?<=:)/{_PART}")


def is_utf8(text: str) -> bool:
    """Whether a name from the file system is text, which JSON and NNI can hold.

    Examples:
        >>> is_utf8("caf\\u00e9"), is_utf8("caf\\udce9")
        (True, False)
    """
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def count_text(value: float) -> str:
    """A count in three digits with its unit: 1234567 is ``1.23M``; below a thousand it is written whole."""
    for size, unit in _UNITS:
        # What would round to 1000 of a unit is 1 of the next.
        if abs(value) >= size * 0.9995:
            scaled = value / size
            digits = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
            return f"{scaled:.{digits}f}{unit}"
    return f"{value:.0f}"


def tick_text(value: float) -> str:
    """A round number of an axis, as short as it can be: ``1M``, ``2.5M``, ``300k``."""
    for size, unit in _UNITS:
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def percent_text(accuracy: float | None) -> str:
    """An accuracy in [0, 1] as percent with two decimals; a dash for none."""
    return "–" if accuracy is None else f"{100 * accuracy:.2f}"


def shortened(text: str, longest: int) -> str:
    """``text`` in at most ``longest`` letters, without its middle: both ends tell names apart.

    Examples:
        >>> shortened("global_constant_diffusivity_3", 20)
        'global_con…usivity_3'
    """
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end]}…{text[-end:]}"


def stem_of(path: str) -> str:
    """The name of a data set's file without its suffix, or a data set's own, as part of a folder's name: in at most 100
    bytes.

    Examples:
        >>> stem_of("my/digits.npz"), stem_of("cifar10"), len(stem_of("é" * 120 + ".npz").encode())
        ('digits', 'cifar10', 100)
    """
    return os.fsencode(Path(path).stem)[:100].decode(errors="ignore")


def command_text(*words: object) -> str:
    """A command of this program, between backticks, as one types it: names are quoted for a shell where they need it.

    Examples:
        >>> command_text("resume", Path("my runs/a"))
        "`run_search.py resume 'my runs/a'`"
    """
    return f"`{shlex.join(['run_search.py', *map(str, words)])}`"


def duration_text(seconds: float) -> str:
    """``48 s``, ``12 min``, ``3.4 h``."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def without_paths(text: str, *folders: str | Path) -> str:
    """``text`` without absolute paths, for files that one mails: what lies below one of ``folders``, the working
    folder or the home is named from there, anything else by its last name. Web addresses stay."""
    home = None
    with contextlib.suppress(RuntimeError):  # a user that the system does not know has none
        home = Path.home()
        folders = (*folders, home)
    with contextlib.suppress(FileNotFoundError):  # it may have been removed
        folders = (*folders, Path.cwd())
    for folder in sorted(set(map(Path, folders)), key=lambda f: len(str(f)), reverse=True):
        if folder.is_absolute() and folder != Path("/"):
            start = _BEFORE + re.escape(str(folder))
            text = re.sub(start + "/+", "~/" if folder == home else "", text)
            text = re.sub(start + r"(?![\w.-])", "~" if folder == home else folder.name, text)
    return _PATH.sub(lambda path: path[0].rstrip("/").rpartition("/")[2], text)
