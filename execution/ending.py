"""Runs ended from outside: only a process that is known to be the run's is ever sent a signal."""

from __future__ import annotations

import signal
import time

from execution.nni_bridge.orphans import kill_orphans
from records.errors import UserError
from records.run_files.owner import Owner
from records.run_files.run_folder import RunFolder

PATIENCE_SECONDS = 60.0
_DYING_SECONDS = 5.0
_POLL_SECONDS = 0.1


def end_in_order(run: RunFolder) -> bool:
    """Asks the process that is at work on ``run`` to end, waits for it, and kills it if it takes longer than a
    minute; whether there was one.

    Raises `UserError` if it is at work elsewhere, or cannot be told from other processes.
    """
    owner = run.owner()
    if owner is None:
        return False
    owner.signal(signal.SIGTERM)  # where none is sent, it ended just now, or is none of ours to end
    left = wait_for_end(run, PATIENCE_SECONDS)
    if left is not None:
        how = "stop it there" if left.known else "it did not write down which one it is: end it yourself"
        raise UserError(f"{run.path} goes on: {left} is at work on it; {how}")
    return True


def wait_for_end(run: RunFolder, patience: float) -> Owner | None:
    """Waits until the process that is at work on ``run`` here has ended, and kills it after ``patience`` seconds.
    Who is still at work, elsewhere say."""
    end = time.monotonic() + patience
    seen = time.monotonic()
    while (owner := run.owner()) is not None:
        now = time.monotonic()
        if owner.is_here():
            seen = now
            if now > end:
                owner.signal(signal.SIGKILL)
        # Who ends takes its record away just before the lock is free, and who begins writes it just after.
        elif (owner.known and not owner.in_this_place) or now > seen + _DYING_SECONDS:
            return owner
        time.sleep(_POLL_SECONDS)
    return None


def end_former(run: RunFolder) -> list[int]:
    """Ends what a killed launcher left of the run's experiment: the processes ended."""
    identity = run.experiment()
    return [] if identity is None else kill_orphans(identity, run.path / "nni")
