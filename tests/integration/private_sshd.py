"""A real sshd on loopback with its own keys, user folder and environment, for whoever runs the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
CLIENT = shutil.which("ssh") and shutil.which("sftp") and shutil.which("ssh-keygen")
MISSING = None if SSHD and CLIENT else "sshd or ssh is not installed"


class PrivateSshd:
    """Keys and configuration in ``folder``; `start` it, describe it to a search by `hosts`, and `stop` it."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.environment = {"HOME": str(self.home), **(environment or {})}
        self.key, self.host_key = self.new_key("key"), self.new_key("host_key")
        self.known_hosts = folder / "known_hosts"
        self.port = 0
        self.process: subprocess.Popen | None = None

    def new_key(self, name: str, passphrase: str = "") -> Path:
        path = self.folder / name
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-C", name, "-N", passphrase, "-f", str(path)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        return path

    def allow(self, *keys: Path) -> None:
        lines = [key.with_suffix(".pub").read_text() for key in keys]
        (self.folder / "authorized_keys").write_text("".join(lines))

    def start(self, *lines: str, sftp: str = "internal-sftp") -> PrivateSshd:
        """Starts it, with more ``lines`` of configuration, and makes its host key known."""
        assert SSHD is not None
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # a system without the service running lacks it
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        set_environment = " ".join(f"{name}={value}" for name, value in self.environment.items())
        configuration = [
            *lines,
            "ListenAddress 127.0.0.1",
            f"Port {self.port}",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
            f"SetEnv {set_environment}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"Subsystem sftp {sftp}",
        ]
        path = self.folder / "sshd_config"
        path.write_text("\n".join(configuration) + "\n")
        self.allow(self.key)
        public = self.host_key.with_suffix(".pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}")
        with (self.folder / "sshd.log").open("w") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(path)], stdout=log, stderr=log)
        end = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self.process.poll() is None, (self.folder / "sshd.log").read_text()
            assert time.monotonic() < end, "sshd does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def host_entry(self, **changes: Any) -> dict[str, Any]:
        """A host of a hosts file."""
        return {
            "host": "127.0.0.1",
            "user": self.user,
            "port": self.port,
            "key": str(self.key),
            "python": sys.executable,
            "known_hosts": str(self.known_hosts),
        } | changes

    def hosts(self, *tables: dict[str, Any]) -> Path:
        """A hosts file with those tables, or with this machine alone."""
        path = self.folder / "hosts.toml"
        lines = []
        for table in tables or (self.host_entry(),):
            lines += ["[[host]]", *(f"{name} = {value!r}" for name, value in table.items())]
        path.write_text("\n".join(lines) + "\n")
        return path
