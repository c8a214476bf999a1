"""The proxy against a real server behind it and raw requests in front of it."""

from __future__ import annotations

import http.client
import http.server
import json
import threading

import pytest

from execution.portal.proxy import Proxy, ProxySettings, host_is_known, leaves_its_routes
from records.errors import UserError

TOKEN = "a-token-for-the-tests-alone"


class Upstream(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers),
            "body": body.decode(),
        }
        data = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        """Tests are quiet."""


@pytest.fixture(scope="module")
def proxy():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = Proxy(ProxySettings("127.0.0.1", 0, server.server_address[1], TOKEN))
    proxy.start()
    yield proxy
    proxy.stop()
    server.shutdown()
    server.server_close()


def request(proxy, path="/", method="GET", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response, text


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"])
@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/api/v1/nni/trial-jobs", "/api/v1/nni/experiment", "/trial-file/x/stderr"]
)
def test_no_route_answers_without_the_token(proxy, method, path):
    response, text = request(proxy, path, method)
    assert response.status == 401
    assert "path" not in text or "token" in text


def test_the_token_passes_and_is_not_handed_on(proxy):
    response, text = request(proxy, "/api/x?a=1&b=2", Authorization=f"Bearer {TOKEN}")
    assert response.status == 200
    assert json.loads(text)["path"] == "/api/x?a=1&b=2"
    assert TOKEN not in text


def test_a_token_in_the_address_becomes_a_cookie(proxy):
    response, _ = request(proxy, f"/oview?token={TOKEN}&k=1")
    assert response.status == 302
    assert response.headers["Location"] == "/oview?k=1"
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    response, text = request(proxy, "/oview", Cookie=f"{proxy.settings.cookie}={TOKEN}")
    assert response.status == 200
    assert TOKEN not in text


def test_two_portals_of_one_host_do_not_take_each_others_cookie(proxy):
    other = ProxySettings("127.0.0.1", 0, 1)
    assert other.cookie != proxy.settings.cookie
    assert other.token not in other.cookie
    response, _ = request(proxy, f"/oview?token={TOKEN}", Cookie=f"{other.cookie}={other.token}")
    assert response.status == 302


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], TOKEN + "x", "é"])
def test_a_wrong_token_is_refused(proxy, wrong):
    assert request(proxy, Authorization=f"Bearer {wrong}".encode())[0].status == 401


def test_a_body_reaches_the_server(proxy):
    _, text = request(proxy, "/api", "POST", body="x" * 100_000, Authorization=f"Bearer {TOKEN}")
    assert json.loads(text)["body"] == "x" * 100_000


def test_no_request_goes_out_on_a_connection_that_the_server_may_be_closing():
    """NNI's server closes one after 5 idle seconds; a POST that meets this would be lost."""
    begun = []

    class Keeping(Upstream):
        protocol_version = "HTTP/1.1"  # keeps connections, and says so

        def setup(self):
            begun.append(self.client_address)
            super().setup()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keeping)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = Proxy(ProxySettings("127.0.0.1", 0, server.server_address[1], TOKEN))
    proxy.start()
    try:
        for _ in range(3):
            response, _ = request(proxy, "/", "POST", b"x", Authorization=f"Bearer {TOKEN}")
            assert response.status == 200
        assert len(begun) == 3
    finally:
        proxy.stop()
        server.shutdown()
        server.server_close()


def test_a_foreign_host_is_refused_even_with_the_token(proxy):
    response, _ = request(proxy, Host="rebound.example:80", Authorization=f"Bearer {TOKEN}")
    assert response.status == 421


def test_a_foreign_origin_is_refused_and_the_own_one_passes(proxy):
    own = f"http://127.0.0.1:{proxy.port}"
    for origin, status in [("http://evil.example", 403), ("null", 403), (own, 200)]:
        response, _ = request(proxy, "/api", "POST", Origin=origin, Authorization=f"Bearer {TOKEN}")
        assert response.status == status, origin


@pytest.mark.parametrize("step", ["..", "%2e%2e", "..%2F..%2Fetc", "%252e%252e", "..%5c", "a%00b"])
def test_a_path_cannot_climb(proxy, step):
    response, _ = request(proxy, f"/trial-file/x/{step}/passwd", Authorization=f"Bearer {TOKEN}")
    assert response.status == 400


def test_without_a_server_behind_it_the_proxy_says_so():
    proxy = Proxy(ProxySettings("127.0.0.1", 0, 1, TOKEN))
    address = proxy.start()
    assert address == f"http://127.0.0.1:{proxy.port}/?token={TOKEN}"
    assert request(proxy, Authorization=f"Bearer {TOKEN}")[0].status == 502
    proxy.stop()


def test_a_taken_port_is_a_users_mistake(proxy):
    with pytest.raises(UserError, match=f"port {proxy.port}.*--port"):
        Proxy(ProxySettings("127.0.0.1", proxy.port, 1, TOKEN)).start()


def test_hosts_and_paths():
    names = frozenset({"localhost", "box"})
    assert all(
        host_is_known(h, names) for h in ["127.0.0.1:1", "[::1]:80", "LOCALHOST:8080", "box", "10.1.2.3"]
    )
    assert not any(
        host_is_known(h, names) for h in [None, "", "evil.example", "127.0.0.1.evil.example", "[::1"]
    )
    assert not leaves_its_routes("/api/v1/a..b/..c")
