"""NNI's server as this project starts it: what it loads first, and the wait until this very one answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

import psutil

from execution.nni_bridge.config_folder import VARIABLE, config_folder
from execution.nni_bridge.quiet_nni import launcher, nni, rest
from execution.nni_bridge.server import FOLDER
from records.errors import UserError
from records.signals import interrupts_wait

_PRELOADS = (
    "portal_pages.js",  # before the guard, which wraps it
    "portal_guard.js",
    "portal_page.js",
    "trial_files.js",
    "log_limits.js",
    "trial_parameters.js",
    "trial_places.js",
    "trial_starts.js",
    "trial_waits.js",
    "remote_worker.js",
    "cluster_channel.js",
    "launcher_watch.js",
    "portal_edits.js",
    "experiments_list.js",
)
PRELOADS = [FOLDER / name for name in _PRELOADS]

_START_SECONDS = 60.0


@contextmanager
def portal_environment(
    edits: Mapping[str, Any] = MappingProxyType({}), pages: Mapping[str, Any] | None = None
) -> Iterator[Start]:
    """Environment in which a server that is started here loads what mends it; ``edits``: which changes its page
    may make and shows (portal_limits.py); ``pages``: how our own pages are started, if there are any
    (`execution.pages.command`). What is given knows the server."""
    # Quoted: the path may have spaces in it.
    options = " ".join(f'--require="{path}"' for path in PRELOADS)
    direct = {name: _with_loopback(os.environ.get(name, "")) for name in ("NO_PROXY", "no_proxy")}
    start = Start(launcher._start_rest_server)
    with (
        mock.patch.dict(
            os.environ,
            {
                "NODE_OPTIONS": options,
                "PDE_NAS_EDITS": json.dumps(dict(edits)),
                "PDE_NAS_PAGES": json.dumps(pages) if pages else "",
                "PDE_NAS_VERSIONS": json.dumps(_versions()),
                "HOME": os.environ.get("HOME") or _home(),
                VARIABLE: str(config_folder()),
                **direct,
            },
        ),
        mock.patch.object(launcher, "_ensure_port_idle"),  # `execution.portal.ports` keeps it
        mock.patch.object(launcher, "_start_rest_server", start),
        mock.patch.object(launcher, "_check_rest_server", start.wait),
        mock.patch.object(launcher, "Experiments", _NoList),
    ):
        yield start


def _versions() -> dict[str, str]:
    """As NNI's server asks for them (nni/tools/nni_manager_scripts/collect_version_info.py)."""
    return {
        "nniVersion": nni.__version__,
        "nniPath": nni.__path__[0],
        "pythonVersion": "{}.{}.{}-{}-{}".format(*sys.version_info),
        "pythonPath": sys.executable,
    }


def _home() -> str:
    """NNI's server ends where the system knows no home folder of the user's; it writes nothing there."""
    try:
        return str(Path.home())
    except RuntimeError:
        return "/"


def _with_loopback(hosts: str) -> str:
    """A list of hosts to reach without the user's HTTP proxy, with this machine among them."""
    return ",".join(filter(None, [hosts, "localhost", "127.0.0.1"]))


class _NoList:
    """In place of NNI's list of all experiments of a user."""

    def add_experiment(self, *_: Any, **__: Any) -> None:
        pass


class Start:
    """Starts a server, and waits until this very one answers on its port."""

    def __init__(self, start: Callable[..., subprocess.Popen]) -> None:
        self.start = start
        self.server: subprocess.Popen | None = None

    def __call__(self, *given: Any) -> subprocess.Popen:
        with interrupts_wait():  # NNI makes it with a step between fork and start
            self.server = self.start(*given)
        return self.server

    def wait(self, port: int, retry: int = 0, url_prefix: str | None = None) -> None:
        """Raises `UserError` if the server ends, another program having the port say, or stays silent."""
        assert self.server is not None
        end = time.monotonic() + _START_SECONDS
        while True:
            code = self.server.poll()
            if code is not None and code < 0:
                raise UserError(
                    f"NNI's server was ended at its start by {signal.Signals(-code).name} "
                    f"({signal.strsignal(-code)}); its log is below the run folder"
                )
            if code is not None:
                raise UserError(
                    f"NNI's server ended at its start (code {code}): another program has port "
                    f"{port} now, or its log says more; choose another with --port (0: any)"
                )
            try:
                if _listens(self.server.pid, port):
                    rest.get(port, "/check-status", url_prefix)
                    return
                why = "it does not listen"
            except (OSError, ValueError) as error:
                why = str(error)
            if time.monotonic() > end:
                raise UserError(
                    f"NNI's server did not answer on port {port} within {_START_SECONDS:.0f} seconds ({why}); "
                    "its log is below the run folder"
                )
            time.sleep(0.1)


def _listens(process: int, port: int) -> bool:
    try:
        found = psutil.Process(process).net_connections("tcp")
    except psutil.Error:  # it has just ended
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in found)


class OwnServer:
    """Of NNI's experiments: a server that has ended by itself is not asked, nor killed by its number, which
    may be another process's."""

    port: int | None
    _proc: Any

    def _stop_nni_manager(self) -> None:
        if isinstance(self._proc, subprocess.Popen) and self._proc.poll() is not None:
            self.port = self._proc = None
        super()._stop_nni_manager()  # type: ignore[misc]
