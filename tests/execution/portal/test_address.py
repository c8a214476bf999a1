"""Where the portal is reached."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from execution.portal.address import Portal, portal_of
from execution.portal.ports import free_port
from execution.settings import SearchSettings
from records.errors import UserError


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"portal")

    def log_message(self, *_):
        pass


def test_without_a_host_it_is_the_server_on_loopback():
    port = free_port()
    with Portal(None, port) as portal:
        assert portal.address == f"http://127.0.0.1:{port}"
        assert portal.port == portal.server_port == port


@pytest.mark.parametrize("asked", ["a port", 0])
def test_with_a_host_the_port_is_the_users(asked):
    port = free_port() if asked else 0
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with Portal("127.0.0.1", port) as portal:
        assert portal.port == port or not port
        assert portal.address.startswith(f"http://127.0.0.1:{portal.port}/?token=")
        assert portal.server_port not in (0, portal.port)
        assert portal.record("x1") == {
            "experiment": "x1", "port": portal.server_port, "address": portal.address, "process": os.getpid(),
        }  # fmt: skip
        with ThreadingHTTPServer(("127.0.0.1", portal.server_port), Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            with opener.open(portal.address) as answer:
                assert answer.read() == b"portal"
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(portal.address.split("?")[0])
            assert error.value.code in (401, 403)
            server.shutdown()
    with pytest.raises(urllib.error.URLError):
        opener.open(portal.address)


def test_a_portal_elsewhere_keeps_the_port_from_others():
    with Portal(None, free_port()) as portal, pytest.raises(UserError, match=f"port {portal.port} cannot"):
        Portal("0.0.0.0", portal.port).__enter__()


def test_pods_report_to_the_port_above():
    assert portal_of(SearchSettings(port=9000)).neighbours == 0
    cluster = SearchSettings(platform="kubernetes", cluster="c.toml", host="0.0.0.0", port=9000)
    assert portal_of(cluster).neighbours == 1
