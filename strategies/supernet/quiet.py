"""Lightning's and NNI's chatter goes into the run's log file instead of over the progress bar."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from records.files import write_errors

_CHATTY = (
    "pytorch_lightning",
    "lightning",
    "lightning_fabric",
    "lightning.pytorch",
    "lightning.fabric",
    "nni",
)


_LOG_BYTES = 8 * 2**20


class QuietHandler(RotatingFileHandler):
    """Says nothing where a line cannot be logged: a full disk is told, in one line, by what must be kept.

    A file that has come to 8 MiB is kept as ``<name>.1``, in the place of the one before, and begun anew.
    """

    def __init__(self, path: Path) -> None:
        """Raises ``UserError`` where there can be no such file."""
        with write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, maxBytes=_LOG_BYTES, backupCount=1)

    def handleError(self, record: logging.LogRecord) -> None:
        """Instead of a stack trace on the terminal, nothing."""

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what is left in its buffer
            super().close()


@contextmanager
def lightning_log_to(path: Path) -> Iterator[None]:
    """While it lasts, log records of those libraries and all warnings are appended to ``path`` alone."""
    handler = QuietHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    record = logging.getLogger("execution.one_shot.warnings")
    loggers = [*(logging.getLogger(name) for name in _CHATTY), record]
    before = [(logger, logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    record.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")

            def show(message, category, filename, lineno, file=None, line=None):
                record.warning("%s:%s: %s: %s", filename, lineno, category.__name__, str(message)[:500])

            warnings.showwarning = show
            yield
    finally:
        for logger, handlers, propagate, level in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
        handler.close()
