"""The second port, opened by NNI's own channel in its own Node with the preloads: who gets in."""

from __future__ import annotations

import json
import os
import socket
import subprocess

import pytest
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from execution.nni_bridge.server import FOLDER
from tests.execution.nni_bridge.nni_server import SERVER

TOKEN = "q3J-a_token"
pytestmark = pytest.mark.timeout(60)
PROGRAM = """
require('app-module-path').addPath('.');
global.nni = { args: { experimentId: 'x1', port: 1 }, paths: { experimentRoot: process.env.ROOT }, rest: { urlJoin() {}, registerWebSocketHandler() {} },
    logStream: { writeLine() {}, writeLineSync() {} }, shutdown: {} };
require('common/globals'); // before what needs it, as NNI's main module does
const { WebCommandChannel } = require('training_service/reusable/channels/webCommandChannel');
const { FrameworkControllerEnvironmentService } =
    require('training_service/reusable/environments/kubernetes/frameworkcontrollerEnvironmentService');
const channel = new WebCommandChannel({ emit() {} });
channel.handleCommand = (environment, text) => console.log(`${environment.id} ${text}`);
channel.parseCommands = (text) => [[require('core/commands').INITIALIZED, JSON.parse(text)]];
channel.runnerConnections.set('r1', { environment: { id: 'r1' }, AddClient() {} });
const service = Object.create(FrameworkControllerEnvironmentService.prototype);
service.nfsRootDir = `${process.env.ROOT}/folder/nfs-root`;
channel.start().then(() => service.createNFSStorage()).then(() => service.createNFSStorage())
    .then(() => console.log('ready'));
"""


@pytest.fixture
def server(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "share").mkdir()
    cluster = {
        "listen": "127.0.0.1",
        "port": port,
        "address": "10.0.0.5",
        "token": TOKEN,
        "mounted": str(tmp_path / "share"),
    }
    preloads = " ".join(f'--require="{FOLDER / name}"' for name in ("portal_guard.js", "cluster_channel.js"))
    process = subprocess.Popen(
        [str(SERVER / "node"), "-e", PROGRAM],
        env=os.environ
        | {"NODE_OPTIONS": preloads, "PDE_NAS_CLUSTER": json.dumps(cluster), "ROOT": str(tmp_path)},
        cwd=SERVER,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    yield process, port
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_token_opens_the_port_and_nothing_else_does(server, tmp_path):
    process, port = server
    for path in ("", "/", "/other", f"/{TOKEN}x", f"/?token={TOKEN}"):
        with pytest.raises((InvalidStatus, WebSocketException)), connect(f"ws://127.0.0.1:{port}{path}"):
            pass
    hello = json.dumps({"expId": "x1", "runnerId": "r1"})
    with connect(f"ws://127.0.0.1:{port}/{TOKEN}", additional_headers={"Host": "10.0.0.5"}) as pod:
        pod.send(hello)
        assert process.stdout.readline() == f"r1 {hello}\n"
    assert (tmp_path / "folder" / "nfs-root").resolve() == tmp_path / "share"


def test_it_is_still_needed():
    """NNI names no address for the second port, knows no token, and mounts by sudo."""
    reusable = SERVER / "training_service" / "reusable"
    assert "new ws_1.Server({ port })" in (reusable / "channels" / "webCommandChannel.js").read_text()
    kubernetes = reusable / "environments" / "kubernetes"
    assert "`sudo mount ${nfsServer}" in (kubernetes / "kubernetesEnvironmentService.js").read_text()
    dispatcher = (reusable / "trialDispatcher.js").read_text()
    assert "python3 -m nni.tools.trial_tool.trial_runner`" in dispatcher
    channel = (SERVER.parent / "nni/tools/trial_tool/web_channel.py").read_text()
    assert '"ws://{}:{}".format(self.args.nnimanager_ip, self.args.nnimanager_port)' in channel
