"""A small disk of its own, which can be filled and made read-only, for commands that are started on it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NoDisk(Exception):
    """This system lets the user mount nothing; the message is its own."""


class SmallDisk:
    """A tmpfs at ``path``, in a mount namespace that a sleeping process holds and that ends with it.

    Commands started with ``start`` see it; this process reaches its files below ``outside``. It needs no
    root where the system has user namespaces.
    """

    def __init__(self, path: Path, size: str = "64m") -> None:
        self.path = path
        path.mkdir()
        script = f'mount -t tmpfs -o size={size} tmpfs "$1" && echo mounted && exec sleep infinity'
        words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(path)]
        try:
            self.holder = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        except FileNotFoundError as error:
            raise NoDisk(str(error)) from error
        assert self.holder.stdout is not None
        if self.holder.stdout.readline() != "mounted\n":
            raise NoDisk(self.holder.communicate()[1].strip())
        self.outside = Path(f"/proc/{self.holder.pid}/root{path}")

    def close(self) -> None:
        self.holder.kill()
        self.holder.communicate()

    def _inside(self) -> list[str]:
        namespaces = ["--user", "--mount", "--preserve-credentials", f"--wd={ROOT}"]
        return ["nsenter", "--target", str(self.holder.pid), *namespaces]

    def start(self, log: Path, program: str, *words: str) -> subprocess.Popen:
        """A Python program with these words; what it says goes to ``log``."""
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with log.open("w") as file:
            return subprocess.Popen(
                [*self._inside(), sys.executable, "-c", program, *words],
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def fill(self) -> None:
        """To the last byte."""
        with (self.outside / "ballast").open("wb", buffering=0) as file:
            for piece in (2**20, 2**12, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(piece)) == piece:
                        pass

    def free(self) -> None:
        (self.outside / "ballast").unlink()

    def remount(self, how: str) -> None:
        """``ro`` or ``rw``."""
        words = ["mount", "-o", f"remount,{how}", str(self.path)]
        subprocess.run([*self._inside(), *words], check=True, capture_output=True)
