"""Builds the C++ kernels once, at first use, into a cache; several processes may do so at once.

The compiler is called directly: the sources need no torch headers, so it takes seconds and depends on neither
ninja nor torch's ABI. The cache (``PDE_OPS_CACHE``, else ``$XDG_CACHE_HOME/pde_ops`` or ``~/.cache/pde_ops``, or where
that can be neither read nor made a folder of the user's own among temporary files) is keyed by sources, flags, compiler
and processor, since the code is for this processor alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from pde_ops.cpu import argument

logger = logging.getLogger("pde_ops")

SOURCES = Path(__file__).parent / "csrc"
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
# The first set that compiles is taken: threads and this processor's vectors where the compiler has them.
OPTIONAL_FLAGS = (
    ("-march=native", "-fopenmp"),
    ("-mcpu=native", "-fopenmp"),
    ("-fopenmp",),
    ("-march=native",),
    (),
)
SECONDS = 600  # on a busy machine; 45 are usual
MADE_HEADER = "argument_members.h"


@functools.cache
def kernels() -> ctypes.CDLL | str:
    """The loaded library, or one line saying why there is none (also logged, once)."""
    try:
        return _load(_built())
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        reason = f"the C++ kernels could not be built: {_one_line(error)}"
        logger.warning("%s; the eager backend is used", reason)
        return reason


def _load(path: Path) -> ctypes.CDLL:
    # torch has loaded its OpenMP runtime by now; the library finds that same one by its name.
    import torch  # noqa: F401

    return ctypes.CDLL(str(path))


def _built() -> Path:
    """The library's path, built now if it is not in the cache."""
    compiler = find_compiler()

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            library = Path(folder) / path.name
            made = objects(compiler)
            run(compiler, [*made.flags, "-shared", *made.files, "-o", str(library)], Path(folder))
            os.replace(library, path)

    return once(f"kernels-{key(compiler)}.so", make)


def once(name: str, build: Callable[[Path], None]) -> Path:
    """The path of the cache's file ``name``, made by ``build`` if it is not there; one process at a time."""
    for folder in (folders := cache_folders()):
        if os.path.exists(path := folder / name):  # not where it may not be looked at
            return path
    path = _first_writable(folders) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path.parent / "lock"):
        if not path.exists():
            build(path)
    return path


def find_compiler() -> str:
    named = os.environ.get("CXX")
    for name in [named] if named else ["c++", "g++", "clang++"]:
        compiler = shutil.which(name)
        if compiler:
            return compiler
    raise RuntimeError(f"no C++ compiler found ({named or 'c++, g++, clang++'})")


def cache_folders() -> list[Path]:
    """Where what was built is looked for, in this order; it is built in the first one that can be written."""
    if named := os.environ.get("PDE_OPS_CACHE"):
        return [Path(named)]
    folders = []
    with contextlib.suppress(RuntimeError):  # a user that the system does not know has no home
        folders.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pde_ops")
    with contextlib.suppress(OSError):
        folders.append(_private_folder())
    return folders


def _private_folder() -> Path:
    """Among temporary files, and of this user alone, for a library that anybody can replace is not to be loaded.
    Raises `OSError` where another user has its name."""
    folder = Path(tempfile.gettempdir()) / f"pde_ops-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if (
        not stat.S_ISDIR(status.st_mode)
        or status.st_uid != os.getuid()
        or stat.S_IMODE(status.st_mode) != 0o700
    ):
        raise PermissionError(f"{folder} is not this user's alone")
    return folder


def _first_writable(folders: Sequence[Path]) -> Path:
    """Raises the first one's `OSError` if there is none."""
    errors: list[OSError] = []
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            errors.append(error)
    raise errors[0] if errors else FileNotFoundError("no folder to build them in; name one by PDE_OPS_CACHE")


def key(compiler: str) -> str:
    digest = hashlib.sha256(argument.header().encode())
    for source in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(source.name.encode() + source.read_bytes())
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=60, check=True)
    digest.update(repr((FLAGS, OPTIONAL_FLAGS, compiler, version.stdout, _processor())).encode())
    return digest.hexdigest()[:20]


def _processor() -> str:
    """What -march=native depends on."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        wanted = ("model name", "flags", "Features", "CPU part", "cpu family", "model\t")
        return repr(sorted({line for line in lines if line.startswith(wanted)}))
    return repr((platform.machine(), platform.processor()))


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One builder at a time; where files cannot be locked, each builds and the last one's file stays."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.open("w") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Objects(NamedTuple):
    """The compiled sources, and the flags that the compiler took for them."""

    flags: tuple[str, ...]
    files: tuple[str, ...]


def objects(compiler: str) -> Objects:
    """The kernels' sources, compiled once, for all libraries that they go into."""

    def make(done: Path) -> None:
        folder = done.parent
        (folder / MADE_HEADER).write_text(argument.header())
        sources = [str(source) for source in sorted(SOURCES.rglob("*.cpp"))]
        message = ""
        for extra in OPTIONAL_FLAGS:
            try:
                _compile(compiler, [*FLAGS, *extra, "-I", str(folder), "-c"], sources, folder)
            except RuntimeError as error:
                message = message or str(error)
            else:
                done.write_text("\n".join((*FLAGS, *extra)))
                return
        raise RuntimeError(message)

    done = once(f"objects-{key(compiler)}/flags.txt", make)
    return Objects(tuple(done.read_text().split()), tuple(sorted(map(str, done.parent.glob("*.o")))))


def _compile(compiler: str, flags: list[str], sources: Sequence[str], folder: Path) -> None:
    """Compiles each source by a process of its own, as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda source: run(compiler, [*flags, source], folder), sources):
            pass


def run(compiler: str, arguments: Sequence[str], folder: Path) -> None:
    """Runs the compiler in ``folder``. Raises `RuntimeError` with what it says."""
    done = subprocess.run(
        [compiler, *arguments], cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{compiler} failed: {done.stderr}")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) < 300 else text[:300] + " ..."
