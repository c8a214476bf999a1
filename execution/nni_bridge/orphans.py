"""What a killed launcher or server leaves of an experiment."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from pathlib import Path

import psutil

from records.run_files.owner import shares_our_namespaces

_DIRECTORY = "--experiments-directory"


def kill_orphans(experiment: str, folder: Path) -> list[int]:
    """Ends every process of the experiment of that id in ``folder`` (the run's ``nni``); returns their ids.

    The id alone does not tell whose a process is: a copied run folder has it as well, and so has a view. What is
    in another container is left alone, as its paths and numbers mean other things.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and _belongs(process, experiment, folder.resolve()):
                process.send_signal(signal.SIGKILL)  # psutil looks again whether it is the same process
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it ended, or belongs to somebody else
    psutil.wait_procs(found, timeout=10)
    return [process.pid for process in found]


def _belongs(process: psutil.Process, experiment: str, folder: Path) -> bool:
    words = process.cmdline()
    if "--experiment-id" in words and experiment in words:
        where = [Path(after) for word, after in pairwise(words) if word == _DIRECTORY]
        return shares_our_namespaces(process.pid) and folder in [path.resolve() for path in where]
    environment = process.environ()
    if environment.get("NNI_EXP_ID") != experiment or not shares_our_namespaces(process.pid):
        return False
    # The working folder has the run's present name, whatever it was called when the trial began.
    return any(
        Path(path).resolve().is_relative_to(folder)
        for path in (environment.get("NNI_SYS_DIR", "/"), process.cwd())
    )
