"""A name for the user where the system knows none."""

from __future__ import annotations

import getpass
import os


def ensure_user_name() -> None:
    """Gives this process and those it starts a ``LOGNAME`` where the user's number has no name, as in a container
    that is run with ``--user``: torch's compiler, which every optimiser imports, asks for it and ends without one."""
    try:
        getpass.getuser()
    except (KeyError, OSError):  # the second from Python 3.13 on
        os.environ["LOGNAME"] = f"user-{os.getuid()}"
