"""The program that looks at another machine, sent there as text: it imports nothing of this project.

``look`` unpacks the source, reads versions, GPUs and cores, and prepares the data set, so that what is
missing is known before a trial runs. ``clean`` ends what an experiment left running and takes away its files.
Either prints one line: a mark, then JSON.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import sys
import tarfile
import tempfile
from importlib import metadata

_UNQUOTABLE = "[\\s'\"\\\\$`!]"
MARK = "PDE-NAS-ANSWER "
# What a trial imports, and NNI's part there; names are the distributions'.
NEEDED = ("torch", "torchvision", "numpy", "scikit-learn", "safetensors", "nni", "psutil")


def look(archive, name, needed, data, plugins):
    """What there is on this machine; ``error``, in one line, if trials cannot run on it."""
    found = {"python": ".".join(map(str, sys.version_info[:3])), "cores": _cores()}
    if not (3, 10) <= sys.version_info[:2] <= (3, 12):
        return dict(found, error=f"its python is {found['python']}; accepted: 3.10 to 3.12")
    missing = []
    for package in needed:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        return dict(found, error=f"{sys.executable} lacks {', '.join(missing)}; install the project there")
    # Found without importing NNI, which takes seconds.
    nni = os.path.dirname(importlib.util.find_spec("nni").origin)  # type: ignore
    found["scripts"] = os.path.join(nni, "tools", "nni_manager_scripts")
    if re.search(_UNQUOTABLE, found["scripts"]):
        return dict(found, error=f"nni there is in {nni!r}; accepted: a path without spaces and quotes")
    if not os.path.exists("/bin/bash"):
        return dict(found, error="there is no /bin/bash, by which NNI starts trials")
    home = os.path.expanduser("~")
    if re.search(_UNQUOTABLE, home):
        return dict(found, error=f"its home folder is {home!r}; accepted: a path without spaces and quotes")
    found["home"] = home
    try:
        found["source"] = _unpacked(
            base64.b64decode(archive), os.path.join(home, ".cache/pde-nas/source", name)
        )
    except OSError as error:
        return dict(found, error=f"cannot write {error.filename}: {error.strerror}")
    sys.path.insert(0, found["source"])
    if plugins:
        os.environ["PDE_NAS_PLUGINS"] = plugins
    import torch

    from records.errors import UserError
    from training.data.prepare import prepare_data

    found["gpus"] = torch.cuda.device_count()
    try:
        prepared = prepare_data(**data)
    except UserError as error:
        return dict(found, error=str(error))
    return dict(found, data=prepared.to_json())


def clean(experiment, forget):
    """Ends the experiment's processes on this machine; with ``forget`` removes its folder, too."""
    import psutil

    folder = os.path.join(os.path.expanduser("~"), "nni-experiments", experiment)
    ended = []
    for process in psutil.process_iter():
        try:
            keeper = any(folder + os.sep in word for word in process.cmdline())
            trial = process.environ().get("NNI_EXP_ID") == experiment
            if (keeper or trial) and process.pid != os.getpid():
                process.send_signal(signal.SIGKILL)
                ended.append(process)
        except (psutil.Error, OSError):
            continue  # it ended, or belongs to somebody else
    psutil.wait_procs(ended, timeout=3)
    if forget:
        shutil.rmtree(folder, ignore_errors=True)
    return {"ended": len(ended)}


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _unpacked(data, folder):
    """``folder``, holding the archive: whole, or not there, even if several unpack it at once."""
    if not os.path.isdir(folder):
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        temporary = tempfile.mkdtemp(dir=os.path.dirname(folder))
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(temporary)
        try:
            os.rename(temporary, folder)
        except OSError:
            shutil.rmtree(temporary)
            if not os.path.isdir(folder):
                raise
    return folder


def answer(action, given):
    """Prints what ``action`` finds."""
    found = look(**given) if action == "look" else clean(**given)
    print("\n" + MARK + json.dumps(found), flush=True)
