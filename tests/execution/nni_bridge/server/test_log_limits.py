"""NNI's own log and trial's process, in its own Node with the preload, made to write without an end."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from tests.execution.nni_bridge.nni_server import SERVER, told_by_node

PRELOAD = "log_limits.js"
LIMIT = 200_000

PROGRAM = """
require('app-module-path').addPath('.');
const fs = require('fs');
const path = require('path');
global.nni = { args: { experimentId: 'x1', logLevel: 'info' }, paths: {}, rest: {}, shutdown: {},
    logStream: { writeLine() {}, writeLineSync() {} } };
require('common/globals'); // before what needs it, as NNI's main module does
const { initLogStream } = require('common/globals/log_stream');
const { TrialProcess } = require('common/trial_keeper/process');
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const root = process.env.ROOT;
async function run(command, folder = root) {
    const trial = new TrialProcess('Ab3de');
    const options = { command, codeDirectory: folder, outputDirectory: root, commandChannelUrl: 'x', platform: 'local' };
    return [trial, await trial.spawn({ ...options, environmentVariables: {} })];
}
const open = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
    try { return /trial\\.std/.test(fs.readlinkSync(`/proc/self/fd/${fd}`)); } catch { return false; } }).length;
async function act() { %s }
act().then((found) => { console.log(JSON.stringify(found)); process.exit(0); },
    (error) => { console.error(error); process.exit(1); });
"""


def told(act: str, root: Path) -> object:
    return told_by_node(PROGRAM % act, [PRELOAD], PDE_NAS_LOG_BYTES=str(LIMIT), ROOT=str(root))


def check(text: str, first: int) -> None:
    """Head, note and tail, of whole lines that are counted; ``first`` is the first one's number."""
    numbers = [int(line.split()[-1]) for line in text.splitlines() if not line.startswith("[")]
    (note,) = re.findall(
        rf"^\[(\d+) bytes are left out here: this file holds no more than {LIMIT}\]$", text, re.M
    )
    assert numbers[0] == first
    gaps = [b - a for a, b in pairwise(numbers)]
    assert sum(gap != 1 for gap in gaps) == 1
    assert int(note) > LIMIT


def test_the_servers_log_keeps_its_beginning_and_its_end(tmp_path):
    act = """
    const log = initLogStream({ foreground: false }, { nniManagerLog: path.join(root, 'nnimanager.log') });
    let largest = 0;
    for (let round = 0; round < 20; round += 1) {
        for (let line = 0; line < 2000; line += 1) log.writeLine(`a line of the log ${2000 * round + line}`);
        await sleep(100);
        largest = Math.max(largest, fs.statSync(path.join(root, 'nnimanager.log')).size);
    }
    await sleep(500);
    return largest;
    """
    largest = told(act, tmp_path)
    assert largest < 3 * LIMIT  # what comes between two looks, too
    text = (tmp_path / "nnimanager.log").read_text()
    assert len(text) <= LIMIT
    check(text, 0)
    assert text.endswith("a line of the log 39999\n")


def test_a_trial_that_prints_without_an_end_does_not_fill_the_disk(tmp_path):
    act = """
    const [trial] = await run('seq 3000000; sleep 1; echo 3000001');
    await trial.stopped.promise;
    await sleep(500);
    return [fs.statSync(path.join(root, 'trial.stdout')).blocks * 512, open(), trial.info.stopCode];
    """
    used, left_open, code = told(act, tmp_path)
    assert used <= LIMIT + 4096
    assert (left_open, code) == (0, 0)
    text = (tmp_path / "trial.stdout").read_text()
    check(text, 1)
    assert text.endswith("\n3000000\n3000001\n")


def test_the_files_of_a_trial_are_begun_anew_and_closed_with_it(tmp_path):
    (tmp_path / "trial.stderr").write_text("of a former run")
    act = """
    const counts = [];
    for (const [command, folder] of [['echo one', root], ['exit 3', root], ['echo none', '/no/such/folder']]) {
        const [trial, started] = await run(command, folder);
        if (started) await trial.stopped.promise;
        await sleep(200);
        counts.push([started, open()]);
    }
    return counts;
    """
    assert told(act, tmp_path) == [[True, 0], [True, 0], [False, 0]]
    assert (tmp_path / "trial.stderr").read_text() == ""


def test_it_is_still_needed():
    process = (SERVER / "common/trial_keeper/process.js").read_text()
    assert process.count("fs_1.default.createWriteStream(path_1.default.join(options.outputDirectory") == 2
    assert ".close()" not in process
    stream = (SERVER / "common/globals/log_stream.js").read_text()
    assert "fs_1.default.openSync(logFile, 'a')" in stream
    assert "size" not in stream
