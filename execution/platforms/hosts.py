"""The machines of a remote search: a TOML file with one ``[[host]]`` table for each.

    [[host]]
    host = "gpu1.example.org"
    user = "ada"
    key = "~/.ssh/id_ed25519"
    python = "/home/ada/pde-nas/.venv/bin/python"
    gpus = [0, 1]

`Host` says what each is, and which may be left out. A passphrase itself never stands in the file. What is checked
here needs no connection.
"""

from __future__ import annotations

import os
import re
from dataclasses import MISSING, dataclass
from pathlib import Path

from records.errors import UserError
from records.interface.toml_file import make, read_toml
from records.options import Options, option

_QUOTABLE = re.compile(r"[^\s'\"\\$`!]+")


@dataclass(frozen=True)
class Host(Options):
    """A machine that trials run on, as the user describes it."""

    host: str = option(MISSING, "name or address")
    user: str = option(MISSING, "user there")
    key: str = option(MISSING, "private key, on this machine")
    python: str = option(MISSING, "interpreter there, with the dependencies")
    port: int = option(22, "port of its sshd", least=1, most=65535)
    trials: int | None = option(
        None, "trials at the same time", unit="trials", least=1, used=lambda: "an even share of --concurrency"
    )
    gpus: tuple[int, ...] | None = option(
        None, "which to use, taken in turn", used=lambda: "all that are found there"
    )
    passphrase_env: str | None = option(None, "environment variable with the key's passphrase")
    known_hosts: str | None = option(None, "file with the host's key", used=lambda: "ssh's own")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("host", "user"):
            value = getattr(self, name)
            if not re.fullmatch(r"[^\s@'\"-][^\s@'\"]*", value):
                raise UserError(f"{name} is {value!r}; accepted: a name without spaces, quotes and @")
        if not self.python.startswith("/") or not _QUOTABLE.fullmatch(self.python):
            raise UserError(
                f"python is {self.python!r}; accepted: the absolute path of the interpreter on that machine, "
                "without spaces and quotes"
            )
        if not self.key_file.is_file():
            raise UserError(f"key is {self.key!r}, and there is no such file; accepted: a private key's file")
        if self.known_hosts is not None and not Path(self.known_hosts).expanduser().is_file():
            raise UserError(
                f"known_hosts is {self.known_hosts!r}, and there is no such file; accepted: a file"
            )
        if self.gpus is not None and (min(self.gpus, default=0) < 0 or len(set(self.gpus)) < len(self.gpus)):
            raise UserError(f"gpus is {list(self.gpus)}; accepted: different numbers from 0 up")
        if self.passphrase_env is not None and self.passphrase_env not in os.environ:
            raise UserError(
                f"passphrase_env names {self.passphrase_env}, which is not set in the environment; "
                f"`read -rs {self.passphrase_env}; export {self.passphrase_env}` sets it unseen"
            )

    @property
    def key_file(self) -> Path:
        return Path(self.key).expanduser().absolute()

    @property
    def name(self) -> str:
        """``user@host:port``, which tells machines apart."""
        return f"{self.user}@{self.host}:{self.port}"


def load_hosts(path: str | Path) -> tuple[Host, ...]:
    """The machines that a TOML file describes. Raises `UserError`."""
    path = Path(path).expanduser()
    tables = read_toml(path)
    for name in tables:
        if name != "host":
            raise UserError(f"{path}: unknown entry {name}; accepted: [[host]] tables alone")
    entries = tables.get("host", [])
    if not isinstance(entries, list) or not entries:
        raise UserError(f"{path} names no machine; accepted: a [[host]] table for each")
    hosts: list[Host] = []
    for number, table in enumerate(entries, start=1):
        host = make(Host, table, f"{path}, host {number}")
        if any(host.name == other.name for other in hosts):
            raise UserError(f"{path}, host {number}: {host.name} is there twice; accepted: each machine once")
        hosts.append(host)
    return tuple(hosts)


def shares(hosts: tuple[Host, ...], concurrency: int) -> tuple[int, ...]:
    """Trials at the same time on each machine. Raises `UserError` if they cannot hold ``concurrency``."""
    even = -(-concurrency // len(hosts))
    found = tuple(host.trials or even for host in hosts)
    if sum(found) < concurrency:
        raise UserError(
            f"concurrency is {concurrency}, and the machines take {sum(found)} trials at the same time; accepted: "
            f"at most that, or more `trials` in the hosts file"
        )
    return found
