"""Trials that do not start, on NNI's own scheduler and keeper in its own Node with the preloads."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.execution.nni_bridge.nni_server import SERVER, in_node

PRELOADS = ("trial_parameters.js", "trial_places.js", "trial_starts.js", "log_limits.js")
TRIES = 5

# `submit` returns the trial's record, whose status NNI's manager would see; a trial begins by asking for its parameters.
PROGRAM = """
require('app-module-path').addPath('.');
const fs = require('fs');
const http = require('http');
global.nni = { args: { experimentId: 'x1', logLevel: 'info', port: 0 }, paths: { experimentRoot: process.env.ROOT },
    rest: { registerSyncHandler() {}, urlJoin: (...parts) => parts.join('/'), getFullUrl: () => 'http://none' },
    logStream: { writeLine() {}, writeLineSync() {} }, shutdown: { register() {} } };
require('common/globals'); // before what needs it, as NNI's main module does
const { V3asV1 } = require('training_service/v3/compat');
const root = process.env.ROOT;
const code = `${root}/code`;
fs.mkdirSync(code, { recursive: true });
fs.mkdirSync(`${root}/log`, { recursive: true });
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const folders = () => fs.readdirSync(`${root}/environments/local-env/trials`);
async function make(trialCommand) {
    const compat = new V3asV1({ platform: 'local', trialCommand, trialCodeDirectory: code });
    compat.run();
    const ask = (id) => compat.v3.trialKeeper.emitter.emit('command', id, { type: 'request_parameter' });
    compat.v3.trialKeeper.channels.send = () => {};
    let number = 0;
    const submit = async () => {
        const form = { sequenceId: number, hyperParameters: { value: `parameters ${number++}`, index: 0 } };
        return compat.submitTrialJob(form);
    };
    const ended = async (trial) => {
        while (['WAITING', 'RUNNING'].includes(trial.status)) await sleep(20);
        return trial.status;
    };
    return { compat, submit, ask, ended };
}
async function act() { %s }
act().then((found) => { console.log(JSON.stringify(found)); process.exit(0); },
    (error) => { console.error(error); process.exit(2); });
"""


def run(act: str, root: Path, **starts: int) -> subprocess.CompletedProcess:
    return in_node(
        PROGRAM % act, PRELOADS, PDE_NAS_PLACES=json.dumps([{"trials": 2, "gpus": []}]),
        PDE_NAS_STARTS=json.dumps({"TRIES": TRIES, "FIRST_MILLISECONDS": 20} | starts), ROOT=str(root),
    )  # fmt: skip


def told(act: str, root: Path, **starts: int) -> object:
    done = run(act, root, **starts)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def why(root: Path) -> str:
    return (root / "log" / "ended.txt").read_text().rstrip("\n")


def test_a_folder_that_is_gone_ends_the_server_after_some_tries(tmp_path):
    act = "const { submit } = await make('true'); fs.rmdirSync(code); await submit();"
    assert run(act, tmp_path).returncode == 1
    assert why(tmp_path) == (
        f"{TRIES} starts of trials in a row failed, the last one because of: the folder {tmp_path}/code is gone"
    )
    assert len(list((tmp_path / "environments/local-env/trials").iterdir())) == TRIES


def test_an_interpreter_that_is_gone_ends_it_too_and_no_candidate_fails_for_that(tmp_path):
    act = """
    const { submit, compat } = await make('/no/such/python -m trial');
    const [one, two] = [await submit(), await submit()];
    setInterval(() => console.log(JSON.stringify([one.status, two.status, folders().length])), 5);
    await sleep(20000);
    """
    done = run(act, tmp_path)
    assert done.returncode == 1, done.stderr
    assert why(tmp_path).endswith("because of: /bin/bash: line 1: /no/such/python: No such file or directory")
    for line in done.stdout.splitlines():
        one, two, folders = json.loads(line)
        assert {one, two} <= {"WAITING", "RUNNING"}
        assert folders == 2  # each is started again under its name


def test_one_alone_that_never_begins_ends_the_server_and_does_not_fail(tmp_path):
    """One trial at a time: nobody else tells whether it is this one's fault."""
    act = """
    const { submit, ask, ended } = await make('test $NNI_TRIAL_SEQ_ID != 1 && sleep 0.1');
    const first = await submit();
    ask(first.id);
    console.log(await ended(first));
    const second = await submit();
    setInterval(() => console.log(second.status), 5);
    await sleep(20000);
    """
    done = run(act, tmp_path)
    assert done.returncode == 1, done.stderr
    assert why(tmp_path).startswith(f"{TRIES} starts of trials in a row failed")
    first, *second = done.stdout.splitlines()
    assert first == "SUCCEEDED"
    assert set(second) <= {"WAITING", "RUNNING"}


def test_one_that_does_not_begin_at_first_is_started_again_with_its_parameters(tmp_path):
    act = """
    const { submit, ask, ended, compat } = await make(`test -e ${root}/there && sleep 0.5`);
    const trial = await submit();
    await sleep(30);
    fs.writeFileSync(`${root}/there`, '');
    await sleep(400);
    const given = compat.allocatedParameters.get(trial.id);
    ask(trial.id);
    return [await ended(trial), given, folders().length];
    """
    assert told(act, tmp_path) == ["SUCCEEDED", "parameters 0", 1]


def test_a_trial_that_had_begun_fails_by_itself(tmp_path):
    act = """
    const { submit, ask, ended } = await make('sleep 0.3; exit 3');
    const found = [];
    for (let trial = 0; trial < 7; trial += 1) {
        const record = await submit();
        ask(record.id);
        found.push(await ended(record));
    }
    return found;
    """
    assert told(act, tmp_path) == ["FAILED"] * 7


def test_one_that_never_begins_fails_where_others_do(tmp_path):
    act = """
    const { submit, ask, ended } = await make('test $NNI_TRIAL_SEQ_ID != 0 && sleep 0.1');
    const never = await submit();
    let others = 0;
    const work = (async () => {
        while (['WAITING', 'RUNNING'].includes(never.status)) {
            const record = await submit();
            ask(record.id);
            if (await ended(record) !== 'SUCCEEDED') throw new Error(record.status);
            others += 1;
        }
    })();
    const status = await ended(never);
    await work;
    return [status, others > 0];
    """
    assert told(act, tmp_path, FIRST_MILLISECONDS=100) == ["FAILED", True]


def test_a_pause_can_be_cancelled(tmp_path):
    act = """
    const { submit, ended, compat } = await make('exit 3');
    const trial = await submit();
    await sleep(200);
    const begun = Date.now();
    await compat.cancelTrialJob(trial.id);
    return [await ended(trial), Date.now() - begun < 2000];
    """
    assert told(act, tmp_path, FIRST_MILLISECONDS=60_000) == ["USER_CANCELED", True]


def test_a_cancelled_trial_is_called_so_whichever_way_it_ends(tmp_path):
    act = """
    const { submit, ask, ended, compat } = await make(`trap 'exit 130' INT; sleep 5 & wait`);
    const trial = await submit();
    ask(trial.id);
    await sleep(200);
    await compat.cancelTrialJob(trial.id);
    return ended(trial);
    """
    assert told(act, tmp_path) == "USER_CANCELED"


def test_what_is_killed_by_somebody_else_has_failed(tmp_path):
    """By the system for want of memory, say; NNI calls that cancelled by the user."""
    act = """
    const { submit, ask, ended } = await make('sleep 1; kill -9 $$');
    const trial = await submit();
    ask(trial.id);
    return ended(trial);
    """
    assert told(act, tmp_path) == "FAILED"


def test_the_pauses_grow(tmp_path):
    act = """
    const { submit } = await make('true');
    fs.rmdirSync(code);
    const begun = Date.now();
    process.on('exit', () => console.log(Date.now() - begun));
    await submit();
    """
    done = run(act, tmp_path, TRIES=6, FIRST_MILLISECONDS=50)
    assert 50 * (1 + 2 + 4 + 8 + 16) < int(done.stdout.splitlines()[-1]) < 10_000


def test_it_is_still_needed():
    compat = (SERVER / "training_service/v3/compat.js").read_text()
    loop = compat[compat.index("while (trialId === null)") : compat.index("let trial;")]
    assert loop.count("setTimeout") == 1  # of a wait for a free machine alone
    assert "logger.error('Exception when create trial', form, ':', error);" in loop
