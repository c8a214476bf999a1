"""The guard inside a real Node server, the one that NNI ships, asked in every wrong way."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess

import pytest

from execution.nni_bridge.server import FOLDER
from tests.execution.nni_bridge import nni_server

GUARD = FOLDER.joinpath("portal_guard.js")
SERVER = """
const server = require('http').createServer((request, response) => response.end('reached ' + request.url));
server.on('upgrade', (request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n'));
server.listen(%s, () => console.log(server.address().address, server.address().port));
"""


@pytest.fixture(scope="module", params=["0", "{port: 0}"])
def port(request):
    environment = os.environ | {"NODE_OPTIONS": f"--require={GUARD}"}
    process = subprocess.Popen(
        [nni_server.SERVER / "node", "-e", SERVER % request.param],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    address, port = process.stdout.readline().split()
    assert address == "127.0.0.1"
    yield int(port)
    process.kill()
    process.wait()
    process.stdout.close()


def ask(port, path="/", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_own_names_are_answered(port):
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", f"[::1]:{port}"):
        assert ask(port, "/api?x=..", Host=host) == (200, "reached /api?x=..")
    own = f"http://127.0.0.1:{port}"
    assert ask(port, "/api", "POST", Origin=own)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.7", ""])
def test_foreign_hosts_are_refused(port, host):
    assert ask(port, Host=host)[0] == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://localhost:1"])
def test_foreign_origins_are_refused(port, origin):
    assert ask(port, "/api", "POST", Origin=origin)[0] == 403


@pytest.mark.parametrize("step", ["..", "..%2F..", "%2e%2e", "%252e%252e%252f", "..%5c", "a%00", "%zz"])
def test_paths_that_climb_are_refused(port, step):
    assert ask(port, f"/api/v1/nni/trial-file/x/{step}")[0] == 400


def test_the_relay_to_the_internet_is_closed(port):
    assert [ask(port, path)[0] for path in ("/netron", "/netron/", "/netron?x", "/netronic")] == [404] * 3 + [
        200
    ]


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("evil.example", 421)])
def test_upgrades_are_held_to_the_same(port, host, status):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        lines = ["GET /tuner HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket", "", ""]
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(100).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize(
    ("site", "mode", "status"),
    [("cross-site", "no-cors", 403), ("cross-site", "navigate", 200), ("same-origin", "cors", 200)],
)
def test_what_a_foreign_page_embeds_is_refused_but_a_link_is_not(port, site, mode, status):
    assert ask(port, "/api", **{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode})[0] == status
