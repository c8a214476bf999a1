"""NNI's own names, imported without its warnings and what they do not need, and its messages, sent to a file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strategies.nni_side.without_lightning import import_nas
from strategies.supernet.quiet import QuietHandler

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import_nas()
    import nni
    import nni.nas.execution.training_service as training_service
    import nni.runtime.log as nni_logging
    from nni.experiment import Experiment, RunMode, launcher, rest
    from nni.experiment.config import ExperimentConfig
    from nni.experiment.config.utils.public import parse_time
    from nni.nas.execution import TrainingServiceExecutionEngine
    from nni.nas.experiment import NasExperiment, NasExperimentConfig
    from nni.nas.space import ModelStatus
    from nni.runtime.config import get_config_file

# NNI's import replaces the root's handlers and turns its own loggers up; its console lines are not ours.
logging.getLogger("nni").handlers.clear()
# Its own log of an experiment stays within bounds too, and puts no stack trace on the terminal where a disk is full.
nni_logging.FileHandler = lambda path, **_: QuietHandler(Path(path))

__all__ = [
    "Experiment",
    "ExperimentConfig",
    "ModelStatus",
    "NasExperiment",
    "NasExperimentConfig",
    "RunMode",
    "TrainingServiceExecutionEngine",
    "get_config_file",
    "launcher",
    "nni",
    "nni_log_to",
    "parse_time",
    "rest",
    "training_service",
]


@contextmanager
def nni_log_to(path: Path) -> Iterator[None]:
    """Sends warnings and NNI's log messages to a file while it lasts."""
    handler = QuietHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("nni")
    before = logger.handlers[:], logger.level, logger.propagate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.handlers[:] = [handler]
        logger.propagate = False
        try:
            yield
        finally:
            logger.handlers[:], logger.level, logger.propagate = before
            handler.close()
