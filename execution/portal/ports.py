"""Ports of portals: found, and kept for one program from the look at them until they are taken.

Between the look and the moment at which a server listens there are seconds, in which another search would see
the port free as well. It is therefore claimed by a name that exists once in the machine's network and goes with
its process (an abstract Unix socket, Linux alone). What is no program of this project knows nothing of that: see
`execution.nni_bridge.server_start`, which notices that the port was lost to one.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from records.errors import UserError

DEFAULT = 8080
_LOOPBACK = ("127.0.0.1", "::1")  # "localhost" may be either
_TRIES = 50
_HIGHEST = 65535


class _Taken(Exception):
    """Somebody has the port."""


def free_port() -> int:
    """A port of this machine at which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def reserved(asked: int | None, host: str | None = None, *, neighbours: int = 0) -> Iterator[int]:
    """While it lasts, no other search, hub or view takes the port, nor the ``neighbours`` above it.

    ``asked`` is taken as it is; 0 is a free port; None is 8080, or a free one where that is taken. It is for
    the address ``host``, or for loopback. Raises `UserError`.
    """
    if asked is not None and not 0 <= asked <= _HIGHEST - neighbours:
        raise UserError(f"port is {asked}; accepted: 0 to {_HIGHEST - neighbours}")
    with ExitStack() as stack:
        try:
            port = stack.enter_context(_first_free(asked, host, neighbours))
        except _Taken as error:
            raise UserError(f"port {error} choose another with --port (0: any)") from error
        yield port


@contextmanager
def _first_free(asked: int | None, host: str | None, neighbours: int) -> Iterator[int]:
    with ExitStack() as stack:
        if asked:
            stack.enter_context(_claimed(asked, host, neighbours))
            yield asked
            return
        candidates = [free_port() for _ in range(_TRIES)]
        for port in candidates if asked == 0 else [DEFAULT, *candidates]:
            try:
                stack.enter_context(_claimed(port, host, neighbours))
                break
            except _Taken as error:
                taken = error
        else:
            raise taken
        yield port


@contextmanager
def _claimed(port: int, host: str | None, neighbours: int) -> Iterator[None]:
    with ExitStack() as stack:
        for each in range(port, port + neighbours + 1):
            if sys.platform == "linux":
                claim = stack.enter_context(socket.socket(socket.AF_UNIX))
                try:
                    claim.bind(f"\0pde-nas-port-{each}")
                except OSError as error:
                    raise _Taken(f"{each} cannot be had (another search or view has it);") from error
            _look(each, host)
        yield


def _look(port: int, host: str | None) -> None:
    """Raises `_Taken` if something listens there, `UserError` for an address that this machine has not."""
    for address in (host,) if host else _LOOPBACK:
        try:
            found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, kind, protocol, _, place in found:
                with socket.socket(family, kind, protocol) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(place)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                raise _Taken(f"{port} cannot be had ({error.strerror});") from error
            if host:
                raise UserError(
                    f"cannot listen on {host} port {port} ({error.strerror or error}); choose another with "
                    "--host and --port"
                ) from error
            # A machine without IPv6 has one loopback address.
