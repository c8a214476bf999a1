"""How a process of this project is started from a shell."""

from __future__ import annotations

import shlex
import sys


def trial_command(module: str, *arguments: str) -> str:
    """The shell command of a trial: this interpreter, by its absolute path; ``arguments`` are quoted already."""
    return " ".join([shlex.quote(sys.executable), "-m", module, *arguments])
