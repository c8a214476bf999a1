"""The preload inside NNI's own Node, on NNI's own scheduler, with machines that run nothing."""

from __future__ import annotations

import json

from tests.execution.nni_bridge.nni_server import SERVER, told_by_node

PRELOAD = "trial_places.js"

# A training service whose trials end when they are told to. `act` is a test's own part.
PROGRAM = """
require('app-module-path').addPath('.');
global.nni = { args: { experimentId: 'x' }, paths: { experimentRoot: '/tmp' }, rest: {}, shutdown: {},
    logStream: { writeLine() {}, writeLineSync() {} } };
require('common/globals'); // before what needs it, as NNI's main module does
const { V3asV1 } = require('training_service/v3/compat');
class Service {
    created = []; ended = [];
    constructor(machines) {
        this.config = { machineList: machines };
        if (machines) this.workers = machines.map((config, i) => ({ envId: `remote-worker${i + 1}`, config }));
    }
    async init() {}
    onRequestParameter() {} onMetric() {} onTrialStart() {} onEnvironmentUpdate() {} async uploadDirectory() {}
    onTrialEnd(callback) { this.ended.push(callback); }
    async start() { return this.workers ? this.workers.map(({ envId }) => ({ id: envId })) : [{ id: 'local-env' }]; }
    async createTrial(environment, command, directory, sequence, trial) {
        if (command === 'fails') return null;
        this.created.push([environment, command, trial]);
        return trial;
    }
    end(trial) { this.ended.forEach((callback) => callback(trial, 0, 0)); }
}
async function make(machines) {
    const compat = Object.create(V3asV1.prototype);
    Object.assign(compat, { v3: new Service(machines), trialJobs: {}, config: {}, allocatedParameters: new Map(),
        startDeferred: { resolve() {} }, parameters: [], environments: [] });
    await compat.start();
    const submit = async (command = 'run', trial = undefined) => {
        const environment = compat.schedule();
        if (environment === null) return null;
        const made = await compat.v3.createTrial(environment, command, 'code', 0, trial);
        if (made !== null) compat.trialJobs[made] = { id: made };
        return made;
    };
    return { compat, service: compat.v3, submit };
}
async function act() { %s }
act().then((found) => console.log(JSON.stringify(found)), (error) => { console.error(error); process.exit(1); });
"""


def told(act: str, places: list[dict]) -> object:
    return told_by_node(PROGRAM % act, [PRELOAD], PDE_NAS_PLACES=json.dumps(places))


def test_trials_go_where_most_is_free_and_wait_where_nothing_is():
    act = """
    const { service, submit } = await make([{}, {}]);
    for (let i = 0; i < 4; i += 1) await submit();
    const waits = await submit();
    service.end(service.created[1][2]);
    await submit();
    return [service.created.map((one) => one[0]), waits];
    """
    created, waits = told(act, [{"trials": 3, "gpus": []}, {"trials": 1, "gpus": []}])
    assert [name.removeprefix("remote-worker") for name in created] == ["1", "2", "1", "1", "2"]
    assert waits is None


def test_each_place_has_its_gpu():
    act = """
    const { service, submit } = await make([{}, {}]);
    for (let i = 0; i < 4; i += 1) await submit();
    service.end(service.created.find((one) => one[1].startsWith('CUDA_VISIBLE_DEVICES=5'))[2]);
    await submit();
    return service.created.map((one) => one[1]);
    """
    commands = told(act, [{"trials": 3, "gpus": ["4", "5"]}, {"trials": 1, "gpus": []}])
    assert commands == [
        "CUDA_VISIBLE_DEVICES=4 run", "run", "CUDA_VISIBLE_DEVICES=5 run", "CUDA_VISIBLE_DEVICES=4 run",
        "CUDA_VISIBLE_DEVICES=5 run",
    ]  # fmt: skip


def test_the_only_gpu_is_given_out():
    act = "const { service, submit } = await make(); await submit(); return service.created.map((one) => one[1]);"
    assert told(act, [{"trials": 1, "gpus": ["0"]}]) == ["CUDA_VISIBLE_DEVICES=0 run"]


def test_a_trial_that_does_not_start_leaves_its_place_and_a_resumed_one_keeps_its_name():
    act = """
    const { service, submit } = await make();
    const failed = await submit('fails');
    const [resumed, next] = [await submit('run', 'Old1d'), await submit()];
    return [failed, resumed, next];
    """
    failed, resumed, waits = told(act, [{"trials": 1, "gpus": []}])
    assert (failed, resumed, waits) == (None, "Old1d", None)


def test_it_is_still_needed():
    """NNI deals out in turn, and wants fewer GPUs than there are."""
    assert (
        "(prevIndex + 1) % this.environments.length" in (SERVER / "training_service/v3/compat.js").read_text()
    )
    scheduler = (SERVER / "common/trial_keeper/task_scheduler/scheduler.js").read_text()
    assert "if (gpuNumber >= this.gpus.length) {" in scheduler
