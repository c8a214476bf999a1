"""The machines of a remote search: a TOML file with one ``[[host]]`` table for each.

    [[host]]
    host = "gpu1.example.org"                      # name or address
    user = "ada"
    key = "~/.ssh/id_ed25519"                      # private key, on this machine
    python = "/home/ada/pde-nas/.venv/bin/python"  # interpreter on that machine, with the dependencies
    port = 22                                      # optional, as are the next four
    trials = 2                                     # at the same time; an even share of --concurrency
    gpus = [0, 1]                                  # which to use, taken in turn; all that are found
    passphrase_env = "GPU1_PASSPHRASE"             # environment variable with the key's passphrase
    known_hosts = "known_hosts"                    # file with the host's key; ssh's own

A passphrase itself never stands in the file. What is checked here needs no connection.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from records.errors import UserError
from records.toml_file import entry, make, read_toml

_QUOTABLE = re.compile(r"[^\s'\"\\$`!]+")


@dataclass(frozen=True)
class Host:
    """A machine that trials run on, as the user describes it. ``gpus`` None: all that are found there."""

    host: str = entry(str)
    user: str = entry(str)
    key: str = entry(str)
    python: str = entry(str)
    port: int = entry(int, 22)
    trials: int | None = entry(int, None)
    gpus: tuple[int, ...] | None = entry(list, None)
    passphrase_env: str | None = entry(str, None)
    known_hosts: str | None = entry(str, None)

    def __post_init__(self) -> None:
        for name in ("host", "user"):
            value = getattr(self, name)
            if not re.fullmatch(r"[^\s@'\"-][^\s@'\"]*", value):
                raise UserError(f"{name} is {value!r}; accepted: a name without spaces, quotes and @")
        if not 0 < self.port < 65536:
            raise UserError(f"port is {self.port}; accepted: 1 to 65535")
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
        if self.trials is not None and self.trials < 1:
            raise UserError(f"trials is {self.trials}; accepted: 1 or more")
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
