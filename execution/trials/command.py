"""How a process of this project is started from a shell."""

from __future__ import annotations

import shlex
import sys

from execution.trials import quick_start


def trial_command(module: str, *arguments: str) -> str:
    """The shell command of a trial: this interpreter, by its absolute path; ``arguments`` are quoted already."""
    return " ".join([shlex.quote(sys.executable), "-m", module, *arguments])


def quick_trial_command(module: str) -> str:
    """The same for a trial on this machine, which is forked where `execution.trials.preloaded` is at work."""
    return " ".join([shlex.quote(sys.executable), "-I", shlex.quote(str(quick_start.__file__)), module])
