"""Where NNI keeps its settings, from which it copies one file before each experiment."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

from execution.nni_bridge.quiet_nni import get_config_file
from records.files import write_errors
from records.private_folder import private_folder

VARIABLE = "NNI_CONFIG_DIR"
_FILE = "training_services.json"  # the one that is needed


def config_folder() -> Path:
    """NNI's own choice, which is `VARIABLE`, else the environment that it is installed in, else the user's home; where
    that cannot be written, as by another user than the environment's owner, a private folder of this machine. Raises
    `UserError` where that is not to be had either, or `VARIABLE` names a folder that cannot be written."""
    if named := os.environ.get(VARIABLE):
        with write_errors(named):
            return get_config_file(_FILE).parent
    try:
        return get_config_file(_FILE).parent
    except (OSError, RuntimeError):  # the latter: the system knows no home
        folder = private_folder() / "nni"
        with write_errors(folder), mock.patch.dict(os.environ, {VARIABLE: str(folder)}):
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return get_config_file(_FILE).parent
