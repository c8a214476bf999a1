"""The preload inside NNI's own Node; what needs a connection runs over a real sshd."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.execution.nni_bridge.nni_server import SERVER, told_by_node
from tests.integration.private_sshd import MISSING, PrivateSshd

PRELOAD = "remote_worker.js"
SERVICE = SERVER / "training_service" / "remote_v3"

PROGRAM = """
require('app-module-path').addPath('.');
const fs = require('fs');
const http = require('http');
const events = require('events');
global.nni = { args: { experimentId: 'x', logLevel: 'info' }, paths: { experimentRoot: process.env.ROOT }, rest: {},
    logStream: { writeLine() {}, writeLineSync() {} }, shutdown: { initiate(reason) { global.ended = reason; } } };
require('common/globals'); // before what needs it, as NNI's main module does
const { RemoteTrainingServiceV3 } = require('training_service/remote_v3');
const { Worker } = require('training_service/remote_v3/worker');
const { Ssh } = require('training_service/remote_v3/ssh');
const KNOWN = JSON.parse(process.env.PDE_NAS_HOSTS)[0];
async function act() { %s }
act().then((found) => { console.log(JSON.stringify(found)); process.exit(0); },
    (error) => { console.log(JSON.stringify(String(error))); process.exit(0); });
"""


def told(act: str, known: dict, root: Path, code: int = 0) -> object:
    return told_by_node(PROGRAM % act, [PRELOAD], code, PDE_NAS_HOSTS=json.dumps([known]), ROOT=str(root))


def known(**changes) -> dict:
    machine = {"host": "gpu1", "port": 22, "user": "ada", "sshKeyFile": "/key"}
    return {
        "machine": machine, "python": "env A=1 '/opt/python'", "nni": "3.0", "scripts": "/opt/scripts",
        "keyKind": "ssh-ed25519", "keyFingerprint": "SHA256:abc", "passphraseEnv": None,
    } | changes  # fmt: skip


def test_nothing_is_installed_there(tmp_path):
    act = """
    const ran = [];
    const ssh = new Ssh('1', KNOWN.machine);
    ssh.exec = async (command) => { ran.push(command); return { code: 0, stdout: 'done', stderr: '' }; };
    const said = [
        await ssh.run(`${KNOWN.python} -m pip install nni --upgrade`),
        await ssh.run(`${KNOWN.python} -c "import nni ; print(nni.__version__)"`),
        await ssh.run(`${KNOWN.python} -m nni.tools.nni_manager_scripts.launch_trial_keeper /folder`),
    ];
    return [said, ran];
    """
    said, ran = told(act, known(), tmp_path)
    assert said == ["", "3.0", "done"]
    assert ran == ["env A=1 '/opt/python' /opt/scripts/launch_trial_keeper.py /folder"]


def test_a_trials_end_is_told_once_and_after_its_files(tmp_path):
    act = """
    const service = Object.create(RemoteTrainingServiceV3.prototype);
    const order = [];
    Object.assign(service, { emitter: new events.EventEmitter(), log: { error(m) { order.push('error'); } } });
    service.downloadTrialDirectory = async (trial) => {
        order.push(`fetch ${trial}`);
        if (trial === 'b') throw new Error('gone');
    };
    service.onTrialEnd((trial, _time, code) => { order.push(`end ${trial} ${code}`); });
    for (const [trial, code] of [['a', 0], ['b', null], ['a', null]]) {
        service.emitter.emit('trial_stop', trial, 1, code);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return order;
    """
    assert told(act, known(), tmp_path) == ["fetch a", "end a 0", "fetch b", "error", "end b null"]


def test_the_server_ends_if_a_machine_is_lost(tmp_path):
    act = """
    const service = Object.create(RemoteTrainingServiceV3.prototype);
    service.stopWorker = () => { throw new Error('its trials must not be called ended'); };
    await service.restartWorker({ config: KNOWN.machine });
    await new Promise((resolve) => setTimeout(resolve, 5000));
    """
    (tmp_path / "log").mkdir()
    program = f"console.log('null'); {act}"
    assert told(program, known(), tmp_path, code=1) is None
    assert (tmp_path / "log" / "ended.txt").read_text() == "the connection to gpu1 is lost\n"


def test_a_trial_that_is_started_again_ends_again(tmp_path):
    act = """
    const service = Object.create(RemoteTrainingServiceV3.prototype);
    const order = [];
    Object.assign(service, { emitter: new events.EventEmitter(), log: { error() {} } });
    service.downloadTrialDirectory = async (trial) => { order.push(`fetch ${trial}`); };
    service.onTrialEnd((trial, _time, code) => { order.push(`end ${trial} ${code}`); });
    for (const code of [127, 0]) {
        service.emitter.emit('trial_start', 'a', 1);
        service.emitter.emit('trial_stop', 'a', 1, code);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return order;
    """
    assert told(act, known(), tmp_path) == ["fetch a", "end a 127", "fetch a", "end a 0"]


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_the_connection_is_held_to_the_host_key_and_carries_tunnel_and_files(tmp_path, monkeypatch):
    sshd = PrivateSshd(tmp_path / "there", {"A": "b"}).start()
    try:
        words = ["ssh-keygen", "-l", "-f", str(sshd.host_key)]
        fingerprint = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[1]
        machine = {"host": "127.0.0.1", "port": sshd.port, "user": sshd.user, "sshKeyFile": str(sshd.key)}
        trial = sshd.home / "nni-experiments/x/environments/remote-worker1/trials/Ab3de"
        (trial / "checkpoints").mkdir(parents=True)
        (trial / "trial.stderr").write_text("last words")
        (trial / "checkpoints" / "last").write_bytes(bytes(10**6))
        act = """
        const server = http.createServer((request, response) => response.end('reached ' + request.url));
        await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
        const url = `ws://localhost:${server.address().port}/platform/remote/1`;
        const worker = new Worker('remote', '1', KNOWN.machine, url, false);
        await worker.ssh.connect();
        const python = await worker.findPython();
        const reached = await new Promise((resolve) => http.get(worker.channelUrl.replace('ws:', 'http:'), (answer) =>
            answer.on('data', (data) => resolve(String(data)))));
        worker.uploadDir = (await worker.ssh.run('echo $HOME')) + '/nni-experiments/x/environments/remote-worker1/upload';
        return [python, worker.channelUrl === url, new URL(worker.channelUrl).hostname, reached,
            await worker.downloadTrialLog('Ab3de')];
        """
        own = known(machine=machine, keyFingerprint=fingerprint)
        python, same, hostname, reached, folder = told(act, own, tmp_path / "run")
        assert python == "env A=1 '/opt/python'"
        assert (same, hostname) == (False, "127.0.0.1")
        assert reached == "reached /platform/remote/1"
        assert Path(folder) == tmp_path / "run/environments/remote-worker1/trials/Ab3de"
        assert Path(folder, "trial.stderr").read_text() == "last words"
        assert Path(folder, "checkpoints", "last").stat().st_size == 10**6
        cut = """
        const server = http.createServer((request, response) => response.end('reached'));
        await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
        const url = `ws://localhost:${server.address().port}/`;
        const worker = new Worker('remote', '1', KNOWN.machine, url, false);
        await worker.ssh.connect();
        await worker.findPython();
        worker.ssh.client.end();
        await events.once(worker.ssh.client, 'close');
        await worker.reconnected;
        return new Promise((resolve) => http.get(worker.channelUrl.replace('ws:', 'http:'), (answer) =>
            answer.on('data', (data) => resolve(String(data)))));
        """
        assert told(cut, own, tmp_path / "run") == "reached"
        assert "Host denied" in str(told(act, known(machine=machine), tmp_path / "run"))
        locked = sshd.new_key("locked", "open sesame")
        sshd.allow(locked)
        monkeypatch.setenv("WORD_FOR_KEY", "open sesame")
        machine["sshKeyFile"] = str(locked)
        with_word = known(machine=machine, keyFingerprint=fingerprint, passphraseEnv="WORD_FOR_KEY")
        assert told("await new Ssh('1', KNOWN.machine).connect(); return 'in';", with_word, tmp_path) == "in"
    finally:
        sshd.stop()


def test_it_is_still_needed():
    worker = (SERVICE / "worker.js").read_text()
    assert "-m pip install nni --upgrade`" in worker
    assert "experimentRoot, 'trials', trialId" in worker
    assert "hostVerifier" not in (SERVICE / "ssh.js").read_text()
    remote = (SERVICE / "remote.js").read_text()
    assert "this.server.getChannelUrl(channelId, this.config.nniManagerIp)" in remote
    assert "this.emitter.emit('trial_stop', trialId, now, null);" in remote
