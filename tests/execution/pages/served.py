"""The pages of a run, served to a test by this process."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from execution.pages.application import make_app
from execution.pages.contract import Page, Place


@contextmanager
def served(run: Path, pages: Sequence[Page]) -> Iterator[str]:
    """The address at which the pages are while it lasts, without NNI's server before them."""
    loop, runner = asyncio.new_event_loop(), web.AppRunner(make_app(Place(run), pages), access_log=None)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner.addresses[0][1]

    port = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)


def fetched(address: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, str]:
    """Status, headers and text of an answer; a ``body`` is posted."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, named), timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode("utf-8", "replace")


def data(address: str, name: str) -> Any:
    """The data of that name, with what is asked behind a question mark."""
    status, _, text = fetched(f"{address}/pages/data/{name}")
    assert status == 200, text
    return json.loads(text)
