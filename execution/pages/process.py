"""The process of the pages: NNI's server starts it when they are first asked for, and it ends with that."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from execution.pages.application import make_app
from execution.pages.contract import Page, Place

READY = "ready"  # the line that the server waits for


def serve(pages: Sequence[Page], run: str, socket: str) -> None:
    """The main function of such a process: listens on ``socket`` until its standard input ends."""
    threading.Thread(target=_end_with_starter, args=(Path(socket),), daemon=True).start()
    asyncio.run(_serve(make_app(Place(Path(run).absolute()), pages), socket))


async def _serve(app: web.Application, socket: str) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, socket).start()
    print(READY, flush=True)
    await asyncio.Event().wait()


def _end_with_starter(socket: Path) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with contextlib.suppress(OSError):  # a starter that was killed leaves them
        socket.unlink(missing_ok=True)
        socket.parent.rmdir()
    os._exit(0)
