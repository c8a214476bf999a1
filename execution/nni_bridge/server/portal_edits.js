// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0's page lets one change a running experiment's
// largest number of trials, its longest duration and its concurrency, and submit trials. NNI's server obeys the
// first two by itself and says nothing to whoever launched the experiment, which then waits for ever; it takes any
// value; and a submitted trial is none of a search's candidates.
//
// A trial that was submitted and waits is known to the server's memory alone: it has no name, is in no list, and cannot be
// cancelled. Its number is therefore stored with it, and `waiting-NUMBER` is what it is cancelled by.
//
// Here PDE_NAS_EDITS says what is refused, with the words that the page then shows, and whether the launcher
// itself keeps to the limits (execution/nni_bridge/portal_limits.py): then the server only holds and shows them.
'use strict';

const { onLoad } = require('./preload.js');

const EDITS = JSON.parse(process.env.PDE_NAS_EDITS || '{}');
const REFUSED = EDITS.refused || {};
const DURATION = /^\d+(\.\d+)?[smhd]$/;
const FIELDS = { MAX_TRIAL_NUM: 'maxTrialNumber', TRIAL_CONCURRENCY: 'trialConcurrency' };

function refusal(profile, kind) {
    if (REFUSED[kind] !== undefined) {
        return REFUSED[kind];
    }
    const params = profile?.params ?? {};
    if (kind === 'MAX_EXEC_DURATION') {
        const value = params.maxExperimentDuration;
        return DURATION.test(value) && parseFloat(value) > 0
            ? null
            : `maxExperimentDuration is ${JSON.stringify(value)}; accepted: a number with s, m, h or d, such as 90m`;
    }
    if (FIELDS[kind] === undefined) {
        return null;
    }
    const value = params[FIELDS[kind]];
    const most = kind === 'TRIAL_CONCURRENCY' && EDITS.most ? EDITS.most : Number.MAX_SAFE_INTEGER;
    if (Number.isInteger(value) && value >= 1 && value <= most) {
        return null;
    }
    const upTo = most < Number.MAX_SAFE_INTEGER ? `a whole number from 1 to ${most}` : 'a whole number, 1 or more';
    return `${FIELDS[kind]} is ${JSON.stringify(value)}; accepted: ${upTo}`;
}

async function takeBack(manager, sequenceId) {
    const place = manager.waitingTrials.findIndex((form) => form.sequenceId === sequenceId);
    if (place < 0) {
        throw new Error('it does not wait any more');
    }
    manager.waitingTrials.splice(place, 1);
    await manager.dataStore.storeTrialJobEvent('USER_CANCELED', '', '', { form: { sequenceId } });
}

function patch(manager) {
    const update = manager.prototype.updateExperimentProfile;
    manager.prototype.updateExperimentProfile = async function (profile, kind) {
        const refused = refusal(profile, kind);
        if (refused !== null) {
            throw new Error(refused);
        }
        await update.call(this, profile, kind);
        if (kind === 'TRIAL_CONCURRENCY') {
            process.emit('trial concurrency', profile.params.trialConcurrency); // trial_places.js gives as many places
        }
    };
    const add = manager.prototype.addCustomizedTrialJob;
    manager.prototype.addCustomizedTrialJob = async function (parameters) {
        if (REFUSED.CUSTOMIZED !== undefined) {
            throw new Error(REFUSED.CUSTOMIZED);
        }
        const silent = { storeTrialJobEvent: async () => {} };
        const sequenceId = await add.call(Object.create(this, { dataStore: { value: silent } }), parameters);
        await this.dataStore.storeTrialJobEvent('ADD_CUSTOMIZED', '', parameters, { form: { sequenceId } });
        return sequenceId;
    };
    // A resumed experiment counts its trials from those that it runs again, and there are none (nni_database.py).
    const recover = manager.prototype.addRecoveredTrialJob;
    manager.prototype.addRecoveredTrialJob = function (jobs) {
        const next = this.experimentProfile.nextSequenceId;
        const count = recover.call(this, jobs);
        this.experimentProfile.nextSequenceId = Math.max(next, this.experimentProfile.nextSequenceId);
        return count;
    };
    const cancel = manager.prototype.cancelTrialJobByUser;
    manager.prototype.cancelTrialJobByUser = async function (trial) {
        if (REFUSED.KILL !== undefined) {
            throw new Error(REFUSED.KILL);
        }
        const waits = /^waiting-(\d+)$/.exec(trial);
        if (waits !== null) {
            return takeBack(this, Number(waits[1]));
        }
        return cancel.call(this, trial);
    };
    if (EDITS.launcher) {
        for (const limit of ['maxTrialNum', 'maxDuration']) {
            Object.defineProperty(manager.prototype, limit, { get: () => Infinity });
        }
    }
}

onLoad(/(^|\/)nnimanager(\.js)?$/, 'NNIManager', patch);
