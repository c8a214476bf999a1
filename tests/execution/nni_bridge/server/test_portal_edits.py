"""The preload inside NNI's own Node, on NNI's own manager: what was submitted, waits, and is taken back."""

from __future__ import annotations

from tests.execution.nni_bridge.nni_server import told_by_node

PROGRAM = """
require('app-module-path').addPath('.');
global.nni = { args: { experimentId: 'x' }, paths: { experimentRoot: '/tmp' }, shutdown: { register() {} },
    rest: { urlJoin: (...parts) => parts.join('/'), registerWebSocketHandler() {}, getFullUrl: () => '' },
    logStream: { writeLine() {}, writeLineSync() {} } };
require('common/globals'); // before what needs it, as NNI's main module does
const { NNIManager } = require('core/nnimanager');
const stored = [];
const manager = Object.assign(Object.create(NNIManager.prototype), {
    waitingTrials: [], currSubmittedTrialNum: 0, readonly: false, experimentProfile: { nextSequenceId: 4 },
    log: { info() {} }, trainingService: { cancelTrialJob: async (trial) => stored.push(['cancelled', trial]) },
    dataStore: { storeTrialJobEvent: async (event, trial, data, job) => stored.push([event, trial, data, job?.form.sequenceId ?? null]) },
});
Object.defineProperty(manager, 'maxTrialNum', { value: 99 });
async function act() { %s }
act().then((found) => console.log(JSON.stringify(found)), (error) => console.log(JSON.stringify(error.message)));
"""


def told(act: str) -> object:
    return told_by_node(PROGRAM % act, ["portal_edits.js"])


def test_what_is_submitted_is_stored_with_its_number():
    act = "return [await manager.addCustomizedTrialJob('{}'), stored, manager.waitingTrials.length];"
    assert told(act) == [4, [["ADD_CUSTOMIZED", "", "{}", 4]], 1]


def test_what_waits_is_taken_back_by_its_number_and_begins_never():
    act = """
    for (const seed of [1, 2, 3]) await manager.addCustomizedTrialJob(JSON.stringify({ seed }));
    await manager.cancelTrialJobByUser('waiting-5');
    return [manager.waitingTrials.map((form) => form.sequenceId), stored.at(-1)];
    """
    assert told(act) == [[4, 6], ["USER_CANCELED", "", "", 5]]


def test_what_does_not_wait_is_not_taken_back():
    assert told("await manager.cancelTrialJobByUser('waiting-5');") == "it does not wait any more"


def test_a_trial_is_cancelled_as_ever():
    act = "await manager.cancelTrialJobByUser('abc'); return stored;"
    assert told(act) == [["cancelled", "abc"], ["USER_TO_CANCEL", "abc", "", None]]
