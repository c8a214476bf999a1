"""Where the portal is reached: on this machine alone, or through a proxy behind a token."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from execution.pages.command import pages_start
from execution.portal.ports import reserved

if TYPE_CHECKING:
    from execution.settings import SearchSettings


class Portal:
    """While it lasts, ``port`` is kept for the user and ``server_port`` for NNI's server, and what listens on
    the latter is reachable at ``address``.

    Without ``host`` both are one, on loopback. With it the server has a free port of its own, on loopback, and
    a proxy that wants the token in the address listens on ``host``, ``port``. ``pages`` is the module of our own pages
    there (`execution.pages`), None for none. ``asked``, ``neighbours`` and
    errors are those of `execution.portal.ports.reserved`.
    """

    port: int
    server_port: int
    address: str

    def __init__(
        self, host: str | None, asked: int | None, *, neighbours: int = 0, pages: str | None = None
    ) -> None:
        self.host, self.asked, self.neighbours, self.pages = host, asked, neighbours, pages
        self._stack = ExitStack()

    def __enter__(self) -> Portal:
        with ExitStack() as stack:
            self.port = stack.enter_context(reserved(self.asked, self.host, neighbours=self.neighbours))
            if self.host is None:
                self.server_port, self.address = self.port, f"http://127.0.0.1:{self.port}"
            else:
                from execution.portal.proxy import Proxy, ProxySettings

                self.server_port = stack.enter_context(reserved(0))
                proxy = Proxy(ProxySettings(self.host, self.port, self.server_port))
                self.address = proxy.start()
                stack.callback(proxy.stop)
            self._stack = stack.pop_all()
        return self

    def pages_start(self, run: Path) -> dict[str, Any] | None:
        """How our own pages of ``run`` are started here; None if there are none."""
        return pages_start(self.pages, run)

    def record(self, experiment: str) -> dict[str, Any]:
        """What a run folder's ``nni.json`` says of its experiment: where this process shows it."""
        return {
            "experiment": experiment,
            "port": self.server_port,
            "address": self.address,
            "process": os.getpid(),
        }

    def __exit__(self, *_: Any) -> None:
        self._stack.close()


def portal_of(settings: SearchSettings, pages: str | None = None) -> Portal:
    """The portal that a search's settings ask for, with our own ``pages``, see `Portal`."""
    # Pods report to the port above the user's.
    return Portal(
        settings.host, settings.port, neighbours=int(settings.platform == "kubernetes"), pages=pages
    )
