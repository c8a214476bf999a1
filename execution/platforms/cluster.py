"""The Kubernetes cluster of a search: a TOML file.

image = "registry.example.org/pde-nas:1"  # has python3 with the dependencies; the source is sent along
address = "10.0.0.5"                      # of this machine, as pods reach it
namespace = "default"                     # optional, as are the next four
service_account = "frameworkbarrier"      # may read frameworks (frameworkcontroller's documentation)
cpus = 4                                  # of a trial
gpus = 1                                  # of a trial
memory = "8 GB"                           # of a trial

[storage]                                 # NFS, where NNI puts source and trials' files
server = "10.0.0.10"
path = "/exports/pde-nas"
mounted = "/mnt/pde-nas"                  # where the same folder is mounted on this machine
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from records.errors import UserError
from records.toml_file import entry, make, read_toml

MOUNT = "/tmp/mount"  # NNI mounts the storage there in every pod
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Storage:
    """An NFS folder, and where it is ``mounted`` on this machine."""

    server: str = entry(str)
    path: str = entry(str)
    mounted: str = entry(str)

    def __post_init__(self) -> None:
        if not self.server.strip() or not self.path.startswith("/"):
            raise UserError(
                f"server {self.server!r} and path {self.path!r}; accepted: a name, an absolute path"
            )
        if not Path(self.mounted).is_absolute() or not Path(self.mounted).is_dir():
            raise UserError(
                f"mounted is {self.mounted!r}; accepted: the absolute path of the folder in which "
                f"{self.server}:{self.path} is mounted here"
            )


@dataclass(frozen=True)
class Cluster:
    """What trials get in a cluster, and how they report."""

    image: str = entry(str)
    address: str = entry(str)
    namespace: str = entry(str, "default")
    service_account: str = entry(str, "frameworkbarrier")
    cpus: int = entry(int, 2)
    gpus: int = entry(int, 0)
    memory: str = entry(str, "8 GB")

    def __post_init__(self) -> None:
        for name in ("image", "address"):
            if not re.fullmatch(r"[^\s'\"$`\\]+", getattr(self, name)):
                raise UserError(
                    f"{name} is {getattr(self, name)!r}; accepted: a name without spaces and quotes"
                )
        for name in ("namespace", "service_account"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise UserError(f"{name} is {getattr(self, name)!r}; accepted: small letters, digits and -")
        for name, least in (("cpus", 1), ("gpus", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}; accepted: {least} or more")
        if not re.fullmatch(r"\d+ ?(GB|MB)", self.memory):
            raise UserError(f"memory is {self.memory!r}; accepted: a number with MB or GB, such as 8 GB")


def load_cluster(path: str | Path) -> tuple[Cluster, Storage]:
    """The cluster that a TOML file describes. Raises `UserError`."""
    path = Path(path).expanduser()
    tables = read_toml(path)
    if "storage" not in tables:
        raise UserError(f"{path}: the table [storage] is missing")
    storage = make(Storage, tables.pop("storage"), f"{path}, storage")
    return make(Cluster, tables, str(path)), storage
