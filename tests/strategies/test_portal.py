"""Where the portal is reached."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from strategies.portal import Portal


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"portal")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield made.server_port
        made.shutdown()


def test_without_a_host_it_is_the_server_on_loopback():
    with Portal(None, 8123) as portal:
        assert portal.address == "http://127.0.0.1:8123"
        assert portal.proxy is None


def test_with_a_host_it_is_behind_a_token(server):
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with Portal("127.0.0.1", server) as portal:
        assert f":{server}" not in portal.address
        with opener.open(portal.address) as answer:
            assert answer.read() == b"portal"
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(portal.address.split("?")[0])
        assert error.value.code in (401, 403)
    with pytest.raises(urllib.error.URLError):
        opener.open(portal.address)
