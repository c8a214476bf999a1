"""How the threads of a process wait for each other."""

from __future__ import annotations

import os

_SPINS = "10000"  # some hundredths of a millisecond
_OF_THE_USER = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def let_threads_sleep() -> None:
    """Before torch is loaded: its threads, in this process and those that it starts, soon sleep while they wait for each
    other, unless the environment says how they wait.

    GNU's OpenMP has them turn round for milliseconds otherwise. Beside other programs they then keep the processor from
    the thread that they wait for: measured in `results/kernels/README.md`.
    """
    if not any(name in os.environ for name in _OF_THE_USER):
        os.environ["GOMP_SPINCOUNT"] = _SPINS
