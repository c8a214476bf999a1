"""Where the portal is reached: on this machine alone, or through a proxy behind a token."""

from __future__ import annotations

from typing import Any


class Portal:
    """While it lasts, the portal of the NNI server on ``port`` is reachable at ``address``.

    Without ``host`` that is the server itself, on loopback. With it, a proxy listens there on the
    next free port and wants the token in the address.
    """

    def __init__(self, host: str | None, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.proxy: Any = None
        if host is not None:
            from strategies.proxy import Proxy, ProxySettings

            self.proxy = Proxy(ProxySettings(host, 0, port))
            self.address = self.proxy.start()

    def __enter__(self) -> Portal:
        return self

    def __exit__(self, *_: Any) -> None:
        if self.proxy is not None:
            self.proxy.stop()
