"""Searches that want one port: one has it, the other says so or takes another, and nothing is left."""

from __future__ import annotations

import json
import time

import pytest

from execution.portal.ports import free_port
from tests.integration.programs import FAULTY_TRIALS, address, belonging, start, wait_for

OPTIONS = ("--trials", "2", "--strategy", "random", "--width", "4")
STEAL = """
import nni.experiment.launcher as launcher
import http.server, threading
begin = launcher._start_rest_server
class Foreign(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"status": "RUNNING"}')
    do_POST = do_PUT = do_DELETE = do_GET
def steal(arguments, mode):
    server = http.server.HTTPServer(("127.0.0.1", arguments.port), Foreign)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return begin(arguments, mode)
launcher._start_rest_server = steal
"""


@pytest.fixture
def folders(tmp_path):
    both = tmp_path / "a", tmp_path / "b"
    yield both
    for folder in both:
        for process in belonging(folder):
            process.kill()


@pytest.mark.timeout(480)
@pytest.mark.parametrize("delay", [0, pytest.param(1.0, marks=pytest.mark.slow)])
def test_of_two_that_ask_for_a_port_one_runs(folders, tmp_path, delay):
    port, logs = str(free_port()), (tmp_path / "a.log", tmp_path / "b.log")
    searches = []
    for folder, log in zip(folders, logs, strict=True):
        words = ("search", *OPTIONS, "--port", port, "--run-dir", str(folder))
        searches.append(start(log, *words, program=FAULTY_TRIALS))
        time.sleep(delay)
    codes = [search.wait(220) for search in searches]
    assert sorted(codes) == [0, 2], [log.read_text() for log in logs]
    loser = codes.index(2)
    text = logs[loser].read_text()
    assert f"error: port {port} cannot be had" in text
    assert "Traceback" not in text
    assert not folders[loser].exists()
    assert len((folders[1 - loser] / "candidates.jsonl").read_text().splitlines()) == 2


@pytest.mark.timeout(480)
def test_a_foreign_program_that_takes_the_port_is_told_and_the_run_can_be_resumed(folders, tmp_path):
    run, log, port = folders[0], tmp_path / "log", str(free_port())
    words = ("search", *OPTIONS, "--port", port, "--run-dir", str(run))
    assert start(log, *words, program=STEAL + FAULTY_TRIALS).wait(150) == 2
    text = log.read_text()
    assert f"another program has port {port} now" in text
    assert "Traceback" not in text
    assert belonging(run) == []
    assert start(log, "resume", str(run), "--port", "0", program=FAULTY_TRIALS).wait(200) == 0, (
        log.read_text()
    )
    assert len((run / "candidates.jsonl").read_text().splitlines()) == 2


@pytest.mark.timeout(480)
def test_the_port_that_was_asked_for_is_the_users(folders, tmp_path):
    run, log, port = folders[0], tmp_path / "log", free_port()
    words = ("--host", "127.0.0.1", "--port", str(port), "--run-dir", str(run))
    search = start(log, "search", *OPTIONS, *words, program=FAULTY_TRIALS)
    assert address(log).startswith(f"http://127.0.0.1:{port}/?token=")
    record = json.loads((run / "nni.json").read_text())
    assert record["address"] == address(log)
    assert record["port"] != port
    assert search.wait(200) == 0, log.read_text()
    wait_for(lambda: belonging(run) == [], 30)
