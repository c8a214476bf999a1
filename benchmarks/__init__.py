"""Measurements of the project: ``python -m benchmarks.NAME``."""

from __future__ import annotations

import sys
from collections.abc import Callable

from records.errors import UserError


def entry(main: Callable[[], None]) -> None:
    """Runs a benchmark; a user's mistake is one line on stderr and the exit code 2."""
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
