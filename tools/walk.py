"""Which of the project's files a program goes through, in order."""

from __future__ import annotations

import itertools
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_ELSEWHERE = {".venv", "tools", "tests", "benchmarks"}


class Walk:
    """While it lasts, keeps the functions below ``root`` that are called, in this thread and those that it starts."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root, self.codes = root, dict[CodeType, None]()
        self.importing = threading.local()

    def __enter__(self) -> Walk:
        threading.setprofile(self._see)
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        depth = getattr(self.importing, "depth", 0)
        if frame.f_code.co_name == "<module>":
            self.importing.depth = depth + {"call": 1, "return": -1}.get(event, 0)
        elif event == "call" and not depth:
            self.codes[frame.f_code] = None

    def steps(self) -> list[str]:
        """The files in the order of the walk, none twice in a row."""
        paths = (Path(code.co_filename) for code in self.codes)
        inside = (path.relative_to(self.root) for path in paths if path.is_relative_to(self.root))
        files = (str(path) for path in inside if path.parts[0] not in _ELSEWHERE)
        return [file for file, _ in itertools.groupby(files)]

    def count(self) -> tuple[int, int]:
        """How many files are entered, and how often the walk comes back to one that it had left."""
        steps = self.steps()
        return len(set(steps)), len(steps) - len(set(steps))
