// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0 tries at once, and for ever, to start a trial that cannot
// be started, each time in a new folder; and what ends before it has asked for its parameters, for want of its
// interpreter say, is taken for a candidate that failed, and the next one is begun. What the system killed, for want of
// memory say, is called cancelled by the user.
//
// Here such a trial is started again after a pause that grows, and after some failures in a row, without a trial
// that asked, the server says why and ends: a resume then runs those trials that had not begun.
'use strict';

const fs = require('fs');
const path = require('path');
const { onLoad, sayWhy } = require('./preload.js');

const LONGEST_MILLISECONDS = 10 * 1000;
const LAST_BYTES = 2000;
const KILLED = 137; // as a shell has it
const { TRIES, FIRST_MILLISECONDS } = {
    TRIES: 10,
    FIRST_MILLISECONDS: 200,
    ...JSON.parse(process.env.PDE_NAS_STARTS || '{}'),
};

// The last line that a trial wrote as an error, if its files are here.
function lastWords(trial) {
    const environments = path.join(global.nni.paths.experimentRoot, 'environments');
    const names = fs.existsSync(environments) ? fs.readdirSync(environments) : [];
    for (const name of names) {
        const file = path.join(environments, name, 'trials', trial, 'trial.stderr');
        if (fs.existsSync(file)) {
            const lines = fs.readFileSync(file, 'utf8').slice(-LAST_BYTES).trim().split('\n');
            return lines[lines.length - 1];
        }
    }
    return '';
}

// NNI calls cancelled whatever ended by a signal, for want of memory, say. Here that is what a user asked for, however
// the trial took it, and what ends with the server.
function endOf(cancelled, stopping, code) {
    if (cancelled) {
        return code === 0 ? 0 : null;
    }
    return code ?? (stopping ? null : KILLED);
}

class Starts {
    constructor(service, config) {
        [this.service, this.config] = [service, config];
        this.create = service.createTrial.bind(service);
        this.failures = 0; // in a row
        this.failed = new Map(); // of a trial that has not begun: how often
        this.made = new Map(); // of such a trial: how it is started
        this.making = new Set();
        this.cancelled = new Set();
        this.waiting = new Set(); // what ends a pause
        this.stopping = false;
    }

    // A first attempt, whose trial NNI knows by no other name yet, unless it was resumed.
    async start(given, resumed) {
        const making = this.attempt(given);
        this.making.add(making);
        const [trial, reason] = await making;
        this.making.delete(making);
        if (trial === null && !resumed) {
            await this.pause(reason);
        }
        return trial;
    }

    // The trial, or null and why it could not be started.
    async attempt(given) {
        try {
            const trial = await this.create(...given);
            if (trial !== null) {
                this.made.set(trial, [...given.slice(0, 4), trial]);
                return [trial, ''];
            }
        } catch (error) {
            return [null, error.message];
        }
        const folder = this.config.trialCodeDirectory;
        const there = folder === undefined || fs.existsSync(folder);
        return [null, there ? 'a process could not be started' : `the folder ${folder} is gone`];
    }

    async pause(reason) {
        this.failures += 1;
        if (this.failures >= TRIES) {
            sayWhy(`${this.failures} starts of trials in a row failed, the last one because of: ${reason}`);
            setTimeout(() => process.exit(1), 100); // once that is written
            await new Promise(() => {});
        }
        const length = Math.min(LONGEST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** (this.failures - 1));
        await new Promise((resolve) => {
            const end = () => {
                this.waiting.delete(end);
                resolve();
            };
            this.waiting.add(end);
            setTimeout(end, length);
        });
    }

    wake() {
        [...this.waiting].forEach((end) => end());
    }

    begun(trial) {
        this.failures = 0;
        this.failed.delete(trial);
        this.made.delete(trial);
    }

    // Whether a trial that ended has ended for good; otherwise it is started again. `code` null: it was killed.
    async isOver(trial, code) {
        await Promise.all(this.making);
        const given = this.made.get(trial);
        let reason = lastWords(trial) || `it ended with code ${code} before it asked for its parameters`;
        while (given !== undefined && !this.stopping && !this.cancelled.has(trial)) {
            const count = (this.failed.get(trial) ?? 0) + 1;
            if (count >= TRIES && this.failures < count - 1) {
                break; // another began meanwhile: it is this one's fault
            }
            this.failed.set(trial, count);
            await this.pause(reason);
            if (this.stopping || this.cancelled.has(trial)) {
                break;
            }
            const [again, why] = await this.attempt(given);
            if (again !== null) {
                return false;
            }
            reason = why;
        }
        this.failed.delete(trial);
        this.made.delete(trial);
        return true;
    }
}

function patch(compat) {
    const submit = compat.prototype.submitTrialJob;
    compat.prototype.submitTrialJob = function (form) {
        this.resuming = form.envId ? form.id : undefined;
        return submit.call(this, form);
    };

    const start = compat.prototype.start;
    compat.prototype.start = async function () {
        const service = this.v3;
        const starts = new Starts(service, this.config);
        service.createTrial = (...given) => {
            // A resumed trial may have to be made anew, because its machine is not there any more.
            const resumed = given[4] !== undefined && given[4] === this.resuming;
            this.resuming = undefined;
            return starts.start(given, resumed);
        };

        const onRequest = service.onRequestParameter.bind(service);
        service.onRequestParameter = (answer) =>
            onRequest((trial) => {
                starts.begun(trial);
                return answer(trial);
            });

        const onEnd = service.onTrialEnd.bind(service);
        const told = [];
        service.onTrialEnd = (callback) => told.push(callback);
        onEnd(async (trial, time, code) => {
            if (await starts.isOver(trial, code)) {
                const end = endOf(starts.cancelled.delete(trial), starts.stopping, code);
                for (const callback of told) {
                    await callback(trial, time, end);
                }
            }
        });

        const stopTrial = service.stopTrial?.bind(service);
        service.stopTrial = async (trial) => {
            starts.cancelled.add(trial);
            starts.wake();
            await stopTrial(trial);
        };
        const stop = service.stop?.bind(service);
        service.stop = async () => {
            starts.stopping = true;
            starts.wake();
            await stop();
        };
        await start.call(this);
    };
}

onLoad(/training_service\/v3\/compat(\.js)?$/, 'V3asV1', patch);
