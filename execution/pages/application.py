"""The web application behind ``/pages``: frames of pages, their files, their data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from aiohttp import web

from execution.pages.contract import Asked, Datum, Page, Place
from execution.pages.icons import FILE, icon_font
from records.errors import UserError

STATIC = Path(__file__).parent / "static"
MAX_BODY = 1 << 20  # bytes
# No script but this origin's, none within a page; elements may have styles of their own.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A document has no more rights here than a file that was mailed: no origin of its own, and no address to ask.
_APART = (
    "sandbox allow-scripts allow-modals allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_NNIS = (("/oview", "Overview"), ("/detail", "Trials detail"))


def make_app(place: Place, pages: Sequence[Page]) -> web.Application:
    """The application for the run of ``place``. Raises ``ValueError`` where two pages give one name to their data, or two
    files have one."""
    named: dict[str, Page] = {page.name: page for page in pages}
    gets = _merged([page.gets for page in pages])
    posts = _merged([page.posts for page in pages])
    documents = _merged([page.documents for page in pages])
    files = static_files(pages)

    async def begin(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"/pages/{next(iter(named))}")

    async def frame(request: web.Request) -> web.StreamResponse:
        page = named.get(request.match_info["name"])
        if page is None:
            raise web.HTTPNotFound(text="There is no such page.\n")
        return web.Response(text=frame_html(page, pages, place), content_type="text/html", charset="utf-8")

    async def navigation(request: web.Request) -> web.StreamResponse:
        return _json([[f"/pages/{page.name}", page.title] for page in pages if page.linked])

    async def static(request: web.Request) -> web.StreamResponse:
        path = files.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound(text="There is no such file.\n")
        return web.FileResponse(path, headers={"Content-Type": f"{_TYPES[path.suffix]}; charset=utf-8"})

    async def get(request: web.Request) -> web.StreamResponse:
        return await _answer(gets.get(request.match_info["name"]), place, _asked(request))

    async def document(request: web.Request) -> web.StreamResponse:
        made = documents.get(request.match_info["name"])
        if made is None:
            raise web.HTTPNotFound(text="There is no such document.\n")
        try:
            text = await asyncio.to_thread(made, place, _asked(request))
        except UserError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        policy = {"Content-Security-Policy": _APART}
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=policy)

    async def post(request: web.Request) -> web.StreamResponse:
        sent = await request.read()  # also of what is refused: who still sends does not hear an answer
        # A page of another site cannot send this type without being asked first, and it never is.
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="accepted: application/json\n")
        try:
            asked = json.loads(sent.decode("utf-8"))
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            return _refused("what was sent is no JSON object")
        return await _answer(posts.get(request.match_info["name"]), place, asked)

    app = web.Application(client_max_size=MAX_BODY)
    app.on_response_prepare.append(_guard)
    app.router.add_get("/pages", begin)
    app.router.add_get("/pages/", begin)
    app.router.add_get("/pages/static/{name}", static)
    app.router.add_get("/pages/icons/{name}", _icons)
    app.router.add_get("/pages/data/{name}", get)
    app.router.add_post("/pages/data/{name}", post)
    app.router.add_get("/pages/documents/{name}", document)
    app.router.add_get("/pages/links", navigation)  # for NNI's own pages
    app.router.add_get("/pages/{name}", frame)
    return app


def _merged(all_data: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for data in all_data:
        if twice := found.keys() & data.keys():
            raise ValueError(f"two pages have data called {', '.join(sorted(twice))}")
        found |= data
    return found


def _asked(request: web.Request) -> dict[str, str | list[str]]:
    named = {name: request.query.getall(name) for name in request.query}
    return {name: values if len(values) > 1 else values[0] for name, values in named.items()}


async def _guard(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-cache")


async def _answer(datum: Datum | None, place: Place, asked: Asked) -> web.Response:
    if datum is None:
        return _refused("there are no such data", 404)
    try:
        found = await asyncio.to_thread(datum, place, asked)
    except UserError as error:
        return _refused(str(error))
    return _json(found)


def _refused(line: str, status: int = 400) -> web.Response:
    return _json({"error": line}, status)


def _json(value: Any, status: int = 200) -> web.Response:
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json")


async def _icons(request: web.Request) -> web.StreamResponse:
    if not FILE.fullmatch(request.match_info["name"]):
        raise web.HTTPNotFound(text="There is no such font.\n")
    font = await asyncio.to_thread(icon_font)
    return web.Response(body=font, content_type="font/woff", headers={"Cache-Control": "max-age=86400"})


def static_files(pages: Sequence[Page]) -> dict[str, Path]:
    """The scripts and style sheets by their names: this room's, and those that pages were handed. Raises ``ValueError``."""
    own = [path for path in STATIC.iterdir() if path.suffix in _TYPES]
    handed = dict.fromkeys(path for page in pages for path in (*page.files, *page.scripts))
    found = {path.name: path for path in (*own, *handed)}
    if len(found) < len(own) + len(handed):
        raise ValueError("two files of the pages have one name")
    return found


def frame_html(page: Page, pages: Sequence[Page], place: Place) -> str:
    """The page, empty but for its navigation: its script fills it."""
    links = [*_NNIS, *((f"/pages/{each.name}", each.title) for each in pages if each.linked)]
    navigation = "".join(
        f'<a href="{escape(address)}"{_current(address, page)}>{escape(title)}</a>'
        for address, title in links
    )
    sheets = ["pages.css", *(path.name for path in page.files if path.suffix == ".css")]
    styles = "\n".join(f'<link rel="stylesheet" href="/pages/static/{escape(name)}">' for name in sheets)
    scripts = "".join(
        f'<script defer src="/pages/static/{escape(path.name)}"></script>\n' for path in page.scripts
    )
    run = escape(place.run.name)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(page.title)} · {run}</title>
<link rel="icon" href="/icon.png">
{styles}
{scripts}<script type="module" src="/pages/static/{escape(page.name)}.js"></script>
</head>
<body data-own="{escape(place.key(place.run))}" data-page="{escape(page.name)}">
<a class="skip" href="#main">To the content</a>
<header><nav aria-label="Pages">{navigation}</nav><span class="run" title="{escape(str(place.run))}">{run}</span></header>
<p id="message" role="status" aria-live="polite" hidden></p>
<main id="main" tabindex="-1"><h1>{escape(page.title)}</h1></main>
</body>
</html>
"""


def _current(address: str, page: Page) -> str:
    return ' aria-current="page"' if address == f"/pages/{page.name}" else ""
