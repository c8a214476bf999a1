"""What no exported file may hold."""

from __future__ import annotations

import getpass
import socket
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The bytes of each file, and of what is packed in it."""
    for path in folder.iterdir():
        yield path.name, path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{path.name}: {name}", archive.read(name)) for name in archive.namelist())


def tells_nothing(folder: Path) -> list[str]:
    """The names of all that was looked through, in which no path, user or host of this machine stands."""
    words = [
        str(ROOT),
        str(Path.home()),
        sys.prefix,
        str(folder.parent),
        socket.gethostname(),
        "site-packages",
        ".py",
    ]
    # A user called root, or a host called a, is no word to look for in binary data.
    words += [f"/{getpass.getuser()}/", f"{getpass.getuser()}@"]
    names = []
    for name, content in contents(folder):
        names.append(name)
        for word in words:
            if len(word) > 2:
                assert word.encode() not in content, (name, word)
    return names
