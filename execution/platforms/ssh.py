"""Python programs run on another machine by the system's ``ssh``.

The system's client and not NNI's own, which accepts whatever key a host shows: here the user's known hosts and
configuration (``StrictHostKeyChecking`` and the like) decide. Which key the host showed is handed on, so
that NNI's connection can be held to the same one.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from execution.platforms.hosts import Host
from records.errors import UserError

CONNECT_SECONDS = 10
_HOST_KEY = re.compile(r"^debug1: Server host key: (\S+) (SHA256:\S+)", re.MULTILINE)
_NOISE = ("debug1:", "OpenSSH_", "Warning: Permanently added", "Transferred:", "Bytes per second:")

# A question about the passphrase is answered, one about an unknown host key refused.
_ASKPASS = """#!/bin/sh
case "$1" in *assphrase*) printenv "$PDE_NAS_PASSPHRASE_ENV";; *) echo no;; esac
"""


@dataclass(frozen=True)
class Answer:
    """What a program printed, and the key (kind and fingerprint) of the machine that it ran on."""

    output: str
    key_kind: str
    key_fingerprint: str


def run_there(host: Host, program: str) -> Answer:
    """Runs ``program``, Python source, by ``host.python``. Raises `UserError` in one line naming the host."""
    forward = ["-o", "ExitOnForwardFailure=yes", "-R", "127.0.0.1:0:127.0.0.1:9"]
    done = _call(
        host, ["ssh", "-T", *_options(host), "-p", str(host.port), *forward], [host.python, "-"], program
    )
    said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith(_NOISE)]
    last = said[-1].strip() if said else ""
    if done.returncode == 255:
        raise UserError(f"{host.name}: {_explained(host, done.stderr, last)}")
    if done.returncode in (126, 127):
        raise UserError(f"{host.name}: python is {host.python}, which cannot be run there ({last})")
    if done.returncode != 0:
        raise UserError(f"{host.name}: {host.python} ended with code {done.returncode} ({last})")
    key = _HOST_KEY.search(done.stderr)
    if key is None:
        raise UserError(
            f"{host.name}: ssh did not say which key the host has; an OpenSSH client is needed here"
        )
    return Answer(done.stdout, key[1], key[2])


def check_file_transfer(host: Host) -> None:
    """Raises `UserError` if the machine has no SFTP, by which NNI writes its files there."""
    done = _call(host, ["sftp", "-b", "-", *_options(host), "-P", str(host.port)], [], "pwd\n")
    if done.returncode != 0:
        raise UserError(f"{host.name}: no files can be sent there; its sshd needs the sftp subsystem")


def _call(host: Host, words: list[str], rest: list[str], text: str) -> subprocess.CompletedProcess[str]:
    with _environment(host) as environment:
        try:
            return subprocess.run(
                [*words, f"{host.user}@{host.host}", *rest],
                input=text,
                capture_output=True,
                text=True,
                errors="replace",
                env=environment,
            )
        except FileNotFoundError as error:
            raise UserError(
                f"{words[0]} is not installed here; platform remote needs an OpenSSH client"
            ) from error


def _options(host: Host) -> list[str]:
    given = {
        "IdentityFile": _path(host.key_file),
        "IdentitiesOnly": "yes",
        # NNI's client has the key's file and nothing else, so this one is given no more.
        "IdentityAgent": "none",
        "HostName": host.host,
        "ProxyCommand": "none",
        "ControlMaster": "no",
        "ControlPath": "none",
        "PreferredAuthentications": "publickey",
        "BatchMode": "no" if host.passphrase_env else "yes",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ServerAliveInterval": "15",
        "LogLevel": "DEBUG1",
    }
    if host.known_hosts is not None:
        given["UserKnownHostsFile"] = _path(Path(host.known_hosts).expanduser().absolute())
    return [word for name, value in given.items() for word in ("-o", f"{name}={value}")]


def _path(path: Path) -> str:
    """As ssh's options take it: spaces are kept by quotes, and a percent sign would begin a placeholder."""
    return '"' + str(path).replace("%", "%%") + '"'


@contextmanager
def _environment(host: Host) -> Iterator[dict[str, str]]:
    """The environment for ssh; with a passphrase, one in which it asks a script and never the terminal."""
    if host.passphrase_env is None:
        yield dict(os.environ)
        return
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "askpass")
        script.write_text(_ASKPASS)
        script.chmod(0o700)
        yield os.environ | {
            "SSH_ASKPASS": str(script),
            "SSH_ASKPASS_REQUIRE": "force",
            "PDE_NAS_PASSPHRASE_ENV": host.passphrase_env,
        }


def _explained(host: Host, stderr: str, last: str) -> str:
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in stderr:
        return "its host key is another than known_hosts has; find out why before going on"
    if "Host key verification failed" in stderr:
        return f"its host key is not known here; `ssh -p {host.port} {host.user}@{host.host}` once shows and keeps it"
    if "Permission denied" in stderr and "Server accepts key" in stderr:
        return _no_key(host)  # it would take the key, which could not be opened here to sign with
    if "Permission denied" in stderr:
        return f"it refuses the key {host.key} for the user {host.user} ({last})"
    if "remote port forwarding failed" in stderr:
        return "its sshd forbids port forwarding, by which trials report; it needs `AllowTcpForwarding yes`"
    return f"no connection ({last})"


def _no_key(host: Host) -> str:
    if host.passphrase_env is None:
        return f"the key {host.key} wants a passphrase; accepted: passphrase_env, a variable that holds it"
    return f"the key {host.key} is not opened by the passphrase in {host.passphrase_env}"
