"""What NNI's own manager answers for a trial's files, in its own Node with the preload."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.execution.nni_bridge.nni_server import SERVER, told_by_node

PRELOAD = "trial_files.js"

PROGRAM = """
require('app-module-path').addPath('.');
global.nni = { args: { experimentId: 'x1' }, paths: { experimentRoot: process.env.ROOT },
    rest: { urlJoin() {}, registerWebSocketHandler() {} },
    logStream: { writeLine() {}, writeLineSync() {} }, shutdown: { register() {} } };
require('common/globals'); // before what needs it, as NNI's main module does
const { NNIManager } = require('core/nnimanager');
const manager = Object.create(NNIManager.prototype);
const [status, fetched] = JSON.parse(process.env.JOB);
manager.dataStore = { async getTrialJob(id) { if (id !== 'Ab3de') throw new Error('none'); return { status }; } };
manager.trainingService = {
    v3: { async downloadTrialDirectory() { if (fetched === null) throw new Error('not connected'); return fetched; } },
    async getTrialFile(id, name) { return `NNI's own ${name}`; },
};
async function ask(name) {
    const [id, file] = name.split('/');
    return manager.getTrialFile(id, file).catch((error) => `error: ${error.message}`);
}
(async () => { console.log(JSON.stringify(await Promise.all(JSON.parse(process.env.NAMES).map(ask)))); })();
"""


def answered(root: Path, names, status="SUCCEEDED", fetched=None, **environment: str) -> list[str]:
    job = json.dumps([status, None if fetched is None else str(fetched)])
    asked = json.dumps([name if "/" in name else f"Ab3de/{name}" for name in names])
    return told_by_node(PROGRAM, [PRELOAD], **{"ROOT": str(root), "JOB": job, "NAMES": asked} | environment)


def written(folder: Path, out: str, err: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "trial.stdout").write_text(out)
    (folder / "trial.stderr").write_text(err)
    return folder


@pytest.mark.parametrize("place", ["local-env", "remote-worker1", "kubernetes"])
def test_the_log_is_what_was_printed_and_then_the_errors(tmp_path, place):
    written(tmp_path / "environments" / place / "trials" / "Ab3de", "epoch 1\n", "error: no\n")
    names = ("trial.log", "stdout", "stderr", "result.json")
    assert answered(tmp_path, names, "FAILED") == [
        "epoch 1\nerror: no\n", "epoch 1\n", "error: no\n", "NNI's own result.json",
    ]  # fmt: skip


def test_a_running_one_is_fetched_where_it_runs(tmp_path):
    old = written(tmp_path / "environments" / "w" / "trials" / "Ab3de", "epoch 1\n")
    new = written(tmp_path / "there", "epoch 1\nepoch 2\n")
    assert answered(tmp_path, ["trial.log"], "RUNNING", new) == ["epoch 1\nepoch 2\n"]
    assert answered(tmp_path, ["trial.log"], "RUNNING", None) == ["epoch 1\n"]
    assert answered(tmp_path, ["trial.log"], "SUCCEEDED", new) == ["epoch 1\n"]
    assert old.is_dir()


def test_in_a_cluster_the_storage_is_read(tmp_path):
    written(tmp_path / "share" / "nni" / "x1" / "trials" / "Ab3de", "epoch 1\n")
    cluster = json.dumps({"mounted": str(tmp_path / "share")})
    assert answered(tmp_path, ["trial.log"], "RUNNING", PDE_NAS_CLUSTER=cluster) == ["epoch 1\n"]


def test_of_a_cancelled_trial_that_could_not_say_so_it_is_said(tmp_path):
    folder = written(tmp_path / "environments" / "w" / "trials" / "Ab3de", "epoch 1\n")
    assert answered(tmp_path, ["trial.log"], "USER_CANCELED") == ["epoch 1\ncancelled\n"]
    (folder / "trial.stdout").write_text("epoch 1\ncancelled after 2 s\n")
    assert answered(tmp_path, ["trial.log"], "USER_CANCELED") == ["epoch 1\ncancelled after 2 s\n"]


def test_before_it_has_begun_and_of_no_trial(tmp_path):
    said = answered(tmp_path, ["trial.log", "other/trial.log", "../trial.log"], "WAITING")
    assert said == [
        "Trial Ab3de has written nothing yet (WAITING).\n", "error: there is no trial other",
        "error: there is no trial ..",
    ]  # fmt: skip


def test_of_a_long_text_the_middle_is_left_out(tmp_path):
    lines = [f"line {number:07}\n" for number in range(400_000)]
    folder = written(tmp_path / "environments" / "w" / "trials" / "Ab3de", "".join(lines))
    (said,) = answered(tmp_path, ["stdout"])
    assert said.startswith(lines[0])
    assert said.endswith(lines[-1])
    left_out = 13 * 400_000 - 256 * 1024 - 1024 * 1024
    assert f"[{left_out} bytes are left out here; they are in {folder / 'trial.stdout'}]" in said
    assert len(said) < 1.3 * 2**20 + 300


def test_it_is_still_needed():
    compat = (SERVER / "training_service/v3/compat.js").read_text()
    assert "logPath = path_1.default.join(dir, 'trial.log');" in compat
    assert "await (0, promises_1.readFile)(logPath, { encoding: 'utf8' })" in compat
    reusable = (SERVER / "training_service/reusable/routerTrainingService.js").read_text()
    assert (
        "async getTrialFile(_trialJobId, _fileName) {\n        throw new errors_1.MethodNotImpl" in reusable
    )
