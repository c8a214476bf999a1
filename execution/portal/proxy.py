"""A reverse proxy that puts a token in front of NNI's portal when it is to be reached from other machines.

NNI's server has no authentication and stays on loopback; this proxy alone listens where ``--host`` says. It
lets a request through when

- its ``Host`` is an IP address, ``localhost``, this machine's name or the name given as ``--host`` (a page
  that had its own name rebound to this address cannot pass as one of these),
- its ``Origin``, where a browser sends one, is the page that the proxy itself served,
- its path stays inside the server's routes (no ``..`` in any encoding), and
- it carries the token: as ``?token=`` once, which sets a cookie, or as ``Authorization: Bearer``.

The connection is plain HTTP: over a network that is not trusted, tunnel it through SSH instead.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
import socket
import threading
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from records.errors import UserError

MAX_REQUEST_BYTES = 64 * 2**20
# What belongs to one connection and must not be passed on (RFC 9110, section 7.6.1), and what the proxy
# itself decides: the upstream sees itself as host, and neither the token nor the outer origin.
PER_CONNECTION = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
NOT_FORWARDED = PER_CONNECTION | {"host", "origin", "cookie", "authorization", "content-length"}
NOT_RETURNED = PER_CONNECTION | {"content-encoding", "content-length"}


def host_is_known(header: str | None, names: frozenset[str]) -> bool:
    """Whether a ``Host`` header names this server in a way that a rebound domain name cannot."""
    if not header:
        return False
    try:
        name = urlsplit(f"//{header}").hostname
    except ValueError:
        return False
    if name is None:
        return False
    try:
        ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return name in names
    return True


def leaves_its_routes(raw_path: str) -> bool:
    """Whether a path, decoded as often as it will go, has a parent step, a backslash or a NUL."""
    path, decoded = raw_path, unquote(raw_path)
    while decoded != path:
        path, decoded = decoded, unquote(decoded)
    return "\\" in path or "\0" in path or ".." in path.split("/")


@dataclass(frozen=True)
class ProxySettings:
    """Where to listen (``host``, ``port``; port 0 picks a free one) and the portal's own loopback port."""

    host: str
    port: int
    upstream_port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def __post_init__(self) -> None:
        if not self.host:
            raise UserError("--host is empty; give the address to listen on, such as 0.0.0.0")
        if len(self.token) < 16:
            raise UserError(f"a portal token of {len(self.token)} characters; at least 16 are needed")

    @property
    def cookie(self) -> str:
        """The name of its cookie: a browser sends a host's cookies to every port, and a hub and its searches
        each have a portal."""
        return f"portal_{hashlib.sha256(self.token.encode()).hexdigest()[:12]}"

    @property
    def names(self) -> frozenset[str]:
        own = socket.gethostname().lower()
        return frozenset({"localhost", self.host.lower(), own, socket.getfqdn().lower()})


def _refusal(request: web.Request, settings: ProxySettings) -> web.Response | None:
    if not host_is_known(request.headers.get("Host"), settings.names):
        return web.Response(status=421, text="This server is not known by that name.\n")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers["Host"]:
        return web.Response(status=403, text="Requests from other sites are refused.\n")
    given = (
        request.headers.get("Authorization", "").removeprefix("Bearer "),
        request.query.get("token", ""),
        request.cookies.get(settings.cookie, ""),
    )
    if not any(hmac.compare_digest(each.encode(), settings.token.encode()) for each in given):
        return web.Response(
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
            text="A token is needed: open the address that the search printed.\n",
        )
    if leaves_its_routes(request.raw_path.split("?")[0]):
        return web.Response(status=400, text="A path must not lead outside.\n")
    return None


def make_app(settings: ProxySettings) -> web.Application:
    """The proxy as an aiohttp application."""
    upstream = f"http://127.0.0.1:{settings.upstream_port}"

    async def session(app: web.Application):
        # A kept connection would now and then be closed by NNI's server, after its 5 idle seconds, just as a request
        # goes out on it; one that changes something is not sent twice, and so would be lost.
        apart = TCPConnector(force_close=True)
        timeout = ClientTimeout(total=120)
        async with ClientSession(connector=apart, timeout=timeout, auto_decompress=True) as client:
            app[CLIENT] = client
            yield

    async def handle(request: web.Request) -> web.StreamResponse:
        refusal = _refusal(request, settings)
        if refusal is not None:
            return refusal
        if "token" in request.query:
            # The token leaves the address bar, and so the history and any referrer, at once.
            redirect = web.HTTPFound(request.rel_url.without_query_params("token"))
            redirect.set_cookie(settings.cookie, settings.token, httponly=True, samesite="Strict")
            raise redirect
        headers = {k: v for k, v in request.headers.items() if k.lower() not in NOT_FORWARDED}
        try:
            async with request.app[CLIENT].request(
                request.method,
                upstream + request.raw_path,
                headers=headers,
                data=await request.read(),
                allow_redirects=False,
            ) as answer:
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in NOT_RETURNED}
                response = web.StreamResponse(status=answer.status, headers=kept)
                response.headers["Referrer-Policy"] = "no-referrer"
                response.headers["X-Frame-Options"] = "DENY"
                await response.prepare(request)
                async for chunk in answer.content.iter_chunked(2**16):
                    await response.write(chunk)
                await response.write_eof()
                return response
        except (ClientError, asyncio.TimeoutError):
            return web.Response(status=502, text="NNI's server does not answer; the search may have ended.\n")

    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


CLIENT: web.AppKey[ClientSession] = web.AppKey("client", ClientSession)


class Proxy:
    """The proxy on a thread of its own: it lives as long as the process, or until ``stop()``."""

    def __init__(self, settings: ProxySettings) -> None:
        self.settings = settings
        self.port = settings.port
        self._loop = asyncio.new_event_loop()
        self._runner = web.AppRunner(make_app(settings), access_log=None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="portal-proxy", daemon=True)

    def start(self) -> str:
        """Listens, and returns the address to open, token included.

        Raises ``UserError`` when the address or port cannot be had.
        """
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        except OSError as error:
            self.stop()
            raise UserError(
                f"cannot listen on {self.settings.host} port {self.settings.port} "
                f"({error.strerror or error}); choose another with --host and --port"
            ) from error
        shown = self.settings.host
        if shown in ("0.0.0.0", "::"):
            shown = socket.gethostname()
        elif ":" in shown:
            shown = f"[{shown}]"
        return f"http://{shown}:{self.port}/?token={self.settings.token}"

    async def _listen(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, self.settings.host, self.settings.port).start()
        self.port = self._runner.addresses[0][1]

    def stop(self) -> None:
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
