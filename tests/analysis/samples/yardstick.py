"""How long something takes, told by what `json` alone needs for the same lines: so on any machine, however busy."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path


def times_of_json(work: Callable[[], object], lines: Path) -> float:
    """The processor's time of ``work``, in this thread, over that of decoding each line of the file.

    Objects of earlier tests are left out of the collector's rounds, which would take longer the more of them there are.
    """
    gc.collect()
    gc.freeze()
    try:
        yardstick = min(_seconds(lambda: _decode(lines)) for _ in range(3))
        return _seconds(work) / yardstick
    finally:
        gc.unfreeze()


def _decode(lines: Path) -> None:
    for line in lines.read_text().splitlines():
        json.loads(line)


def _seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start
