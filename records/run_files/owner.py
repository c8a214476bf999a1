"""Which process is at work on something, written down so exactly that no other one is taken for it.

A number alone names another process on another machine, in another container, or after the system gave it away
again. Here a process is known by host, start of the machine (boot id), PID namespace, number, start time and
command, and is sent a signal only where all of these agree.
"""

from __future__ import annotations

import errno
import os
import platform
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil

from records.errors import UserError

_START_FIELD = 19  # of /proc/PID/stat, counted from 0 after the name in parentheses
_NAMESPACES = ("pid", "mnt")


@dataclass(frozen=True)
class Owner:
    """A process. ``start`` is in the system's ticks since the machine started, ``since`` an ISO time in UTC.
    Of one that is not ``known`` a number at most was written down, by an earlier version say."""

    pid: int | None
    host: str = ""
    boot: str = ""
    namespace: int = 0
    start: int = 0
    command: tuple[str, ...] = ()
    since: str = ""

    @classmethod
    def me(cls) -> Owner:
        """This process."""
        pid = os.getpid()
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return cls(pid, platform.node(), _boot(), _namespace("self"), _start(pid), _command(pid), since)

    @classmethod
    def from_json(cls, record: Any) -> Owner:
        """Raises ``ValueError`` for what is no record of a process."""
        try:
            return cls(**record | {"command": tuple(record["command"])})
        except (TypeError, KeyError) as error:
            raise ValueError(f"no record of a process: {error}") from error

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def known(self) -> bool:
        return bool(self.host and self.boot and self.start)

    @property
    def on_this_machine(self) -> bool:
        """Whether it is, or was, under the system that runs here, in whatever container."""
        return self.known and self.boot == _boot()

    @property
    def in_this_place(self) -> bool:
        """Whether its number means here what it meant where it was written down."""
        return self.on_this_machine and (self.host, self.namespace) == (platform.node(), _namespace("self"))

    def is_here(self) -> bool:
        """Whether it lives, and can be told from every other process here."""
        if self.pid is None or not self.in_this_place:
            return False
        try:
            return (self.start, self.command) == (_start(self.pid), _command(self.pid))
        except (OSError, psutil.Error):
            return False

    def signal(self, number: int) -> bool:
        """Sends a signal if the process lives and is this one; whether it did. Raises `UserError`."""
        if self.pid is None:
            return False
        try:
            handle = _handle(self.pid)
            if handle is None:
                return self._signal(number, os.kill, self.pid)
            try:
                return self._signal(number, signal.pidfd_send_signal, handle)
            finally:
                os.close(handle)
        except ProcessLookupError:
            return False
        except PermissionError as error:
            raise UserError(f"{self} belongs to another user, who alone can end it") from error

    def _signal(self, number: int, send: Callable[[int, int], None], to: int) -> bool:
        if not self.is_here():
            return False
        send(to, number)
        return True

    def __str__(self) -> str:
        """Such as ``process 12 on ada (since 2026-01-31T12:00:00+00:00)``."""
        number = "an unknown process" if self.pid is None else f"process {self.pid}"
        if not self.known:
            return number
        where = self.host
        if self.on_this_machine and not self.in_this_place:
            where += " (another container of this machine)"
        return f"{number} on {where} (since {self.since})"


def _handle(pid: int) -> int | None:
    """Of whoever has the number now, for good; None where the system has no such handles or forbids them."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            return None
        raise


def shares_our_namespaces(pid: int) -> bool:
    """Whether a process has the numbers and the paths that this one has; False where that cannot be seen."""
    if not Path("/proc/self/ns").is_dir():
        return True  # a system without namespaces
    try:
        return all(_namespace(str(pid), kind) == _namespace("self", kind) for kind in _NAMESPACES)
    except OSError:
        return False


def _namespace(process: str, kind: str = "pid") -> int:
    path = Path("/proc", process, "ns", kind)
    return path.stat().st_ino if Path("/proc/self/ns").is_dir() else 0


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"started {psutil.boot_time():.0f}"


def _start(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return int(100 * psutil.Process(pid).create_time())
    return int(stat.read_bytes().rpartition(b")")[2].split()[_START_FIELD])


def _command(pid: int) -> tuple[str, ...]:
    return tuple(psutil.Process(pid).cmdline())
