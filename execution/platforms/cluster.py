"""The Kubernetes cluster of a search: a TOML file.

image = "registry.example.org/pde-nas:1"
address = "10.0.0.5"
gpus = 1

[storage]
server = "10.0.0.10"
path = "/exports/pde-nas"
mounted = "/mnt/pde-nas"

`Cluster` and `Storage` say what each is, and which may be left out.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass
from pathlib import Path

from records.errors import UserError
from records.interface.toml_file import make, read_toml
from records.options import Options, option

MOUNT = "/tmp/mount"  # NNI mounts the storage there in every pod
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Storage(Options):
    """An NFS folder, where NNI puts the source and the trials' files."""

    server: str = option(MISSING, "name or address of the NFS server")
    path: str = option(MISSING, "the folder that it exports")
    mounted: str = option(MISSING, "where the same folder is mounted on this machine")

    def __post_init__(self) -> None:
        super().__post_init__()
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
class Cluster(Options):
    """What trials get in a cluster, and how they report."""

    image: str = option(MISSING, "has python3 with the dependencies; the source is sent along")
    address: str = option(MISSING, "of this machine, as pods reach it")
    namespace: str = option("default", "where the pods are made")
    service_account: str = option(
        "frameworkbarrier", "may read frameworks (see frameworkcontroller's documentation)"
    )
    cpus: int = option(2, "of a trial", unit="cores", least=1)
    gpus: int = option(0, "of a trial", unit="GPUs", least=0)
    memory: str = option("8 GB", "of a trial")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("image", "address"):
            if not re.fullmatch(r"[^\s'\"$`\\]+", getattr(self, name)):
                raise UserError(
                    f"{name} is {getattr(self, name)!r}; accepted: a name without spaces and quotes"
                )
        for name in ("namespace", "service_account"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise UserError(f"{name} is {getattr(self, name)!r}; accepted: small letters, digits and -")
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
