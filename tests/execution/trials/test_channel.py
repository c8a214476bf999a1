"""Our client of NNI's trial channel against NNI's own: the same messages, without importing NNI."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from execution.trials.channel import TrialChannel
from records.errors import UserError

PARAMETERS = {"index": 3, "genotype": {"a": [1, 2]}}
RECORD = json.dumps({"parameter_id": 7, "parameters": PARAMETERS})
ANSWER = (200, json.dumps({"type": "parameter", "parameter": RECORD}))
METRIC = {"default": 0.5, "macs": 1000}


@pytest.fixture
def server():
    """``answers`` to GET, in order; ``messages`` are what was PUT."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self):
            size = int(self.headers["Content-Length"])
            self.server.messages.append((self.headers["Content-Type"], json.loads(self.rfile.read(size))))
            self.respond(200, "")

        def do_GET(self):
            self.respond(*self.server.answers.pop(0))

        def respond(self, code, text):
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.messages, made.answers = [], []
        made.url = f"http://127.0.0.1:{made.server_port}/env/trial"
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def test_parameters_come_after_polls_that_time_out(server):
    server.answers = [(408, ""), (408, ""), ANSWER]
    assert TrialChannel(server.url, "abc").parameters() == PARAMETERS
    assert server.messages == [("application/json", {"type": "request_parameter"})]


def test_the_messages_are_those_of_nnis_own_client(server):
    from nni.runtime.trial_command_channel.v3 import TrialCommandChannelV3

    server.answers = [ANSWER, ANSWER]
    ours = TrialChannel(server.url, "abc")
    ours.parameters()
    ours.report_intermediate(METRIC)
    ours.report_intermediate(METRIC)
    ours.report_final(METRIC)
    sent, server.messages = server.messages, []

    theirs = TrialCommandChannelV3(server.url)
    theirs.receive_parameter()
    for kind, sequence in (("PERIODICAL", 0), ("PERIODICAL", 1), ("FINAL", 0)):
        theirs.send_metric(kind, 7, "abc", sequence, METRIC)
    assert sent == server.messages


def test_a_server_that_ends_is_one_line(server):
    server.answers = [(410, "")]
    with pytest.raises(UserError, match="ended before"):
        TrialChannel(server.url, "abc").parameters()


def test_the_users_http_proxy_is_not_asked(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    server.answers = [ANSWER]
    assert TrialChannel(server.url, "abc").parameters() == PARAMETERS


def test_outside_a_trial_it_says_so(monkeypatch):
    monkeypatch.delenv("NNI_TRIAL_COMMAND_CHANNEL", raising=False)
    with pytest.raises(UserError, match="NNI_TRIAL_COMMAND_CHANNEL is not set: trials are started by NNI"):
        TrialChannel.from_environment()


def test_a_trial_imports_no_nni():
    heavy = ("nni", "scipy", "sklearn", "torchvision", "pandas", "pytorch_lightning", "requests")
    program = f"import sys, execution.trials.entry; print([n for n in {heavy} if n in sys.modules])"
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
