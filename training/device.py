"""The device that a training is to run on, checked before anything is made for it."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING

from records.checks import whole_number
from records.errors import UserError

if TYPE_CHECKING:  # a seed is checked where nothing else needs torch
    import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_THRESHOLD = 128 * 1024  # bytes, of both where nothing else is said
LARGEST_SEED = 2**53 - 1  # NNI's JavaScript keeps no larger number whole, and torch takes none above 2**64
MOST_THREADS = 1024  # many more than there are cores end a process, or hold the machine up


def require_seed_and_threads(seed: int, threads: int) -> None:
    """Raises ``UserError`` for a seed, or a number of CPU threads (0: all cores), that torch cannot take."""
    whole_number("seed", seed, 0, LARGEST_SEED)
    whole_number("threads", threads, 0, MOST_THREADS)


def require_device(name: str) -> None:
    """Raises ``UserError`` unless ``name`` is ``cpu``, or ``cuda`` or ``cuda:N`` and this machine has that GPU."""
    import torch

    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or (name != "cpu" and device.type != "cuda"):
        raise UserError(f"device is {name!r}; accepted: auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            raise UserError(f"device is {name}; torch sees no GPU here, accepted: cpu")
        if (device.index or 0) >= count:
            raise UserError(f"device is {name}; accepted: cpu, or cuda:0 to cuda:{count - 1}")


def real_device(name: str) -> str:
    """``name`` with "auto" decided: a GPU where there is one."""
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether it has instructions that make matrix products in bfloat16 several times as fast as in float32: a GPU, or
    a processor with AMX or AVX-512 BF16."""
    if device.type == "cuda":
        return True
    import torch

    found = torch.cpu.get_capabilities()
    return any(found.get(name) for name in ("amx_bf16", "avx512_bf16"))


def keep_memory() -> bool:
    """Tells glibc to give no memory back while this process lives; False where there is no glibc.

    A step of training frees each feature map and asks for it again. Handed back in between, its pages are made anew, which
    takes a tenth of a step. A process that is there for one training, or for several, calls this at its start.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all(mallopt(parameter, 2**30) for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD))


@contextlib.contextmanager
def kept_memory() -> Iterator[None]:
    """As `keep_memory`, while it lasts; then what is free goes back. For a process that has more to do than trainings."""
    kept = keep_memory()
    try:
        yield
    finally:
        if kept:
            for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
                ctypes.CDLL(None).mallopt(parameter, _THRESHOLD)
            give_back_memory()


def give_back_memory() -> None:
    """What is free goes back, where glibc is: networks of many shapes one after the other leave more and more of it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
