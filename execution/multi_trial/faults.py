"""A strategy that raises: its author sees the trace, and the last line says whose fault it is."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from records.errors import UserError
from strategies.contract import MultiTrialStrategy


@contextmanager
def faults_named(strategy: MultiTrialStrategy) -> Iterator[None]:
    """Prints the trace of what the strategy raises, and raises a `UserError` that names it."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        traceback.print_exc()
        raise UserError(
            f"strategy {strategy.name} ({type(strategy).__module__}) raised {type(error).__name__}: {error}; what was "
            "measured is kept, and `resume` goes on once it is mended"
        ) from error
