"""Imports of NNI, and of what it needs, which talk on the terminal and take over the logging."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from strategies.nni_side.without_lightning import import_nas


@contextmanager
def quietly() -> Iterator[None]:
    """While it lasts, what is imported warns of nothing, and writes nothing to the error stream."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def quiet_import(name: str) -> Any:
    """A module, without what it says of itself and of its age. Raises ``ImportError``."""
    with quietly():
        if name.startswith("nni.nas"):
            import_nas()
        module = importlib.import_module(name)
    # NNI's import replaces the root's handlers and turns its own loggers up; its console lines are not ours.
    logger = logging.getLogger("nni")
    logger.handlers = [handler for handler in logger.handlers if isinstance(handler, logging.FileHandler)]
    return module
