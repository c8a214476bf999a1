"""The portal of a real search behind ``--host``: every route that NNI's server has, asked in every wrong way."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from execution.portal.proxy import ProxySettings
from records.run_files.run_folder import RunFolder
from tests.execution.nni_bridge.nni_server import SERVER
from tests.integration.programs import FAULTY_TRIALS, belonging, start, wait_for

FOREIGN_ORIGINS = ("http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1")
FOREIGN_HOST = "evil.example"
REFUSALS = {  # all that may be said
    401: "A token is needed: open the address that the search printed.\n",
    403: "Requests from other sites are refused.\n",
    421: "This server is not known by that name.\n",
    400: "A path must not lead outside.\n",
}


def routes() -> list[tuple[str, str]]:
    """Method and path of every route, read from the installed package."""
    rest = (SERVER / "rest_server" / "restHandler.js").read_text()
    found = re.findall(r"router\.(\w+)\('(/[^']*)',", rest)
    assert len(found) == len(re.findall(r"router\.(?!use)\w+\(", rest))  # none is written in another way
    api = [(method.upper(), f"/api/v1/nni{path}") for method, path in found]
    others = [("GET", "/"), ("GET", "/index.html"), ("GET", "/oview"), ("GET", "/logs/nnimanager.log")]
    others += [("GET", "/logs/"), ("GET", "/netron/"), ("POST", "/netron/x"), ("DELETE", "/anything")]
    channels = [("GET", "/env/:env/:id"), ("PUT", "/env/:env/:id"), ("GET", "/tuner"), ("GET", "/tuner/:id")]
    return api + others + channels


ROUTES = routes()


def test_all_routes_are_known():
    assert len(ROUTES) > 35
    assert {("POST", "/api/v1/nni/trial-jobs"), ("DELETE", "/api/v1/nni/experiment")} <= set(ROUTES)
    where = set()
    for path in SERVER.rglob("*.js"):
        inside = path.relative_to(SERVER)
        if inside.parts[0] in ("node_modules", "static"):
            continue
        if re.search(
            r"express_1\.Router\)|register(Sync|WebSocket)Handler\(|express_1\.default\)\(", path.read_text()
        ):
            where.add(inside.as_posix())
    assert where == {
        "common/globals/rest.js",  # only hands them on
        "rest_server/index.js",
        "rest_server/restHandler.js",
        "common/command_channel/http.js",  # trials' channel, below /env
        "common/command_channel/websocket/server.js",  # the strategy's channel, /tuner
        "common/restServer.js",  # of a server of its own, on other platforms:
        "training_service/common/clusterJobRestServer.js",
    }


@dataclass(frozen=True)
class Search:
    run: Path
    server: tuple[str, int]
    proxy: tuple[str, int]
    token: str
    trial: str
    environment: str

    def path(self, route: str) -> str:
        known = {
            "id": self.trial,
            "job_id*?": self.trial,
            "env": self.environment,
            "filename": "trial.stdout",
        }
        known |= {"min_seq_id": "0", "max_seq_id": "9"}
        return "/".join(known[part[1:]] if part[:1] == ":" else part for part in route.split("/"))


def ask(address, method, path, **headers) -> tuple[int, str]:
    connection = http.client.HTTPConnection(*address, timeout=30)
    body = "{}" if method in ("POST", "PUT") else None
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers={"Content-Type": "application/json"} | headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """A search whose trials take long, seen through its proxy; ended by Ctrl-C."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("TRIAL_SECONDS", "600")
    folder = tmp_path_factory.mktemp("private")
    run, log = folder / "run", folder / "log"
    options = ("--trials", "2", "--strategy", "random", "--width", "4", "--port", "0", "--host", "127.0.0.2")
    process = start(log, "search", *options, "--run-dir", str(run), program=FAULTY_TRIALS)
    try:
        wait_for(lambda: "Portal: " in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        shown = RunFolder.open(run).read("nni.json")
        address = urlsplit(shown["address"])
        token = parse_qs(address.query)["token"][0]
        server, proxy = ("127.0.0.1", shown["port"]), (address.hostname, address.port)
        assert proxy[0] == "127.0.0.2"

        def trials():
            status, text = ask(server, "GET", "/api/v1/nni/trial-jobs?status=RUNNING")
            return json.loads(text) if status == 200 else []

        wait_for(trials)
        (environment,) = (
            path.name for path in (run / "nni" / shown["experiment"] / "environments").iterdir()
        )
        yield Search(run, server, proxy, token, trials()[0]["trialJobId"], environment)
        assert process.poll() is None, log.read_text()  # nothing that was asked has ended it
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, log.read_text()
    finally:
        monkeypatch.undo()
        process.kill()
        for left in belonging(run):
            left.kill()


def require(answer: tuple[int, str], status: int, what: object) -> None:
    assert answer == (status, REFUSALS[status]), what


@pytest.mark.parametrize("given", ["none", "Authorization", "Cookie", "query"])
def test_without_the_token_no_route_says_anything(search, given):
    wrong = search.token[:-1] + ("a" if search.token[-1] != "a" else "b")
    headers = {
        "Authorization": {"Authorization": f"Bearer {wrong}"},
        "Cookie": {"Cookie": f"portal_token={wrong}"},
    }
    for method, route in ROUTES:
        path = search.path(route) + (f"?token={wrong}" if given == "query" else "")
        require(ask(search.proxy, method, path, **headers.get(given, {})), 401, (method, path))


def test_with_the_token_foreign_names_and_pages_are_refused(search):
    own = {"Authorization": f"Bearer {search.token}"}
    for method, route in [*ROUTES, ("OPTIONS", "/api/v1/nni/experiment")]:
        path = search.path(route)
        require(ask(search.proxy, method, path, Host=FOREIGN_HOST, **own), 421, (method, path))
        for origin in FOREIGN_ORIGINS:
            require(ask(search.proxy, method, path, Origin=origin, **own), 403, (method, path, origin))


def test_the_server_itself_refuses_foreign_names_and_pages(search):
    for method, route in [*ROUTES, ("OPTIONS", "/api/v1/nni/experiment")]:
        path = search.path(route)
        require(ask(search.server, method, path, Host=FOREIGN_HOST), 421, (method, path))
        for origin in FOREIGN_ORIGINS:
            require(ask(search.server, method, path, Origin=origin), 403, (method, path, origin))
        # What a page of another site asks for as an image or a script has no Origin
        elsewhere = ask(search.server, method, path, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")
        require(elsewhere, 403, (method, path))


def test_no_path_leads_outside(search):
    own = {"Authorization": f"Bearer {search.token}"}
    secret = search.run / "settings.json"
    up = "../" * 12 + str(secret).lstrip("/")
    for name in (
        up,
        up.replace("/", "%2F"),
        up.replace("/", "%2f").replace(".", "%2E"),
        up.replace("/", "%252F"),
    ):
        for before in (f"/api/v1/nni/trial-file/{search.trial}/", "/logs/", "/static/", "/"):
            require(ask(search.server, "GET", before + name), 400, (before, name))
            require(ask(search.proxy, "GET", before + name, **own), 400, (before, name))


def test_with_the_token_the_portal_answers(search):
    cookie = ProxySettings("127.0.0.1", 0, 1, search.token).cookie
    for own in ({"Authorization": f"Bearer {search.token}"}, {"Cookie": f"{cookie}={search.token}"}):
        for name, said in (("version", "3.0"), ("check-status", "RUNNING"), ("trial-jobs", search.trial)):
            status, text = ask(search.proxy, "GET", f"/api/v1/nni/{name}", **own)
            assert status == 200
            assert said in text
        host = f"{search.proxy[0]}:{search.proxy[1]}"
        assert ask(search.proxy, "GET", "/", Host=host, Origin=f"http://{host}", **own)[0] == 200
    assert ask(search.proxy, "GET", f"/oview?token={search.token}")[0] == 302


def upgrade(address, path, **headers) -> str:
    lines = {"Host": f"{address[0]}:{address[1]}", "Connection": "Upgrade", "Upgrade": "websocket"}
    lines |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} | headers
    with socket.create_connection(address, timeout=30) as connection:
        text = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.sendall(text.encode() + b"\r\n")
        return connection.recv(100).decode().splitlines()[0]


def test_no_page_or_stranger_can_take_the_strategys_place(search):
    """A web socket is no request of the kind that browsers keep to their own site."""
    own = {"Authorization": f"Bearer {search.token}"}
    for path in ("/tuner", "/tuner/x", f"/env/{search.environment}/x", "/"):
        for origin in FOREIGN_ORIGINS:
            assert upgrade(search.server, path, Origin=origin).split()[1] == "403"
            assert upgrade(search.proxy, path, Origin=origin, **own).split()[1] == "403"
        assert upgrade(search.server, path, Host=FOREIGN_HOST).split()[1] == "421"
        assert upgrade(search.proxy, path, Host=FOREIGN_HOST, **own).split()[1] == "421"
        assert upgrade(search.proxy, path).split()[1] == "401"
        assert upgrade(search.proxy, path, **own).split()[1] != "101"  # nor for who has the token


def test_the_token_is_nobody_elses_to_read(search):
    assert (search.run / "nni.json").stat().st_mode & 0o077 == 0
    assert search.token not in (search.run / "settings.json").read_text()
    assert search.token not in (search.run / "nni.log").read_text()
