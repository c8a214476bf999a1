"""The preload inside NNI's own Node, on NNI's own manager of trials: how often it looks."""

from __future__ import annotations

from tests.execution.nni_bridge.nni_server import SERVER, told_by_node

# Its loop as far as the first wait, of which the milliseconds are told.
PROGRAM = """
require('app-module-path').addPath('.');
global.nni = { args: { experimentId: 'x' }, paths: { experimentRoot: '/tmp' }, rest: {}, shutdown: {},
    logStream: { writeLine() {}, writeLineSync() {} } };
require('common/globals');
const utils = require('common/utils');
utils.delay = async (milliseconds) => { console.log(JSON.stringify(milliseconds)); process.exit(0); };
const { NNIManager } = require('core/nnimanager');
const manager = Object.create(NNIManager.prototype);
Object.assign(manager, { status: { status: 'RUNNING' }, dispatcher: {}, trialJobs: new Map(), waitingTrials: [],
    currSubmittedTrialNum: 0, trialConcurrencyChange: 0, setStatus() {}, requestTrialJobs() {},
    experimentProfile: { execDuration: 0, params: { trialConcurrency: 1 } }, pollInterval: %s });
for (const limit of ["maxTrialNum", "maxDuration", "maxTrialDuration"])
    Object.defineProperty(manager, limit, { value: Infinity });
manager.manageTrials().catch((error) => { console.error(error); process.exit(1); });
"""


def wait_seconds(interval: float, *, preloaded: bool = True) -> float:
    return told_by_node(PROGRAM % interval, ["trial_polls.js"] if preloaded else []) / 1000


def test_it_looks_twenty_times_a_second():
    assert wait_seconds(0.5) == 0.05
    assert wait_seconds(5) == 5  # over the network


def test_by_itself_it_waits_as_long_as_it_is_told_half_a_second_here():
    assert wait_seconds(0.5, preloaded=False) == 0.5
    assert "this.pollInterval = 0.5" in (SERVER / "core" / "nnimanager.js").read_text()
