"""Launching a Triton kernel, in one place, so that a check can compile instead of run."""

from __future__ import annotations

from typing import Any


def launch(kernel: Any, programs: int, *args: Any, **options: Any) -> None:
    """Run ``programs`` programs of ``kernel``. One stage: there is no loop over memory to pipeline."""
    kernel[(programs,)](*args, num_stages=1, **options)
