// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0's page asks for three texts of a trial: "trial.log", a
// file that only a trial with NNI's own client writes, stderr and stdout; the server reads them whole, has none of
// a cluster, and none of a machine that it is not connected to.
//
// Here the log is what the trial printed, then its errors, then whether it was cancelled; of a long text the middle
// is left out; and what lies in the run folder is shown, wherever the trial ran.
'use strict';

const fs = require('fs/promises');
const path = require('path');
const { onLoad } = require('./preload.js');

const HEAD_BYTES = 256 * 1024;
const TAIL_BYTES = 1024 * 1024;
const CLUSTER = process.env.PDE_NAS_CLUSTER ? JSON.parse(process.env.PDE_NAS_CLUSTER) : null;
const ENDED = { USER_CANCELED: 'cancelled', SYS_CANCELED: 'interrupted', EARLY_STOPPED: 'cancelled' };
const TEXTS = {
    'trial.log': ['trial.stdout', 'trial.stderr'],
    stdout: ['trial.stdout'],
    stderr: ['trial.stderr'],
};

async function exists(file) {
    return fs.access(file).then(() => true, () => false);
}

// Where the trial's files are; null if there are none (yet).
async function folderOf(service, trial, running) {
    if (running && service?.v3 !== undefined) {
        const fetched = await service.v3.downloadTrialDirectory(trial).catch(() => null);
        if (fetched !== null && (await exists(fetched))) {
            return fetched;
        }
    }
    const { experimentRoot } = global.nni.paths;
    const environments = path.join(experimentRoot, 'environments');
    const names = await fs.readdir(environments).catch(() => []);
    const places = names.map((name) => path.join(environments, name));
    if (CLUSTER !== null) {
        places.unshift(path.join(CLUSTER.mounted, 'nni', global.nni.args.experimentId));
    }
    for (const place of places) {
        const folder = path.join(place, 'trials', trial);
        if (await exists(folder)) {
            return folder;
        }
    }
    return null;
}

async function textOf(name) {
    const file = await fs.open(name).catch(() => null);
    if (file === null) {
        return '';
    }
    try {
        const { size } = await file.stat();
        const part = async (from, length) => {
            const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
            return buffer.toString('utf8', 0, bytesRead);
        };
        if (size <= HEAD_BYTES + TAIL_BYTES) {
            return await part(0, size);
        }
        const left = size - HEAD_BYTES - TAIL_BYTES;
        const note = `\n[${left} bytes are left out here; they are in ${name}]\n`;
        return (await part(0, HEAD_BYTES)) + note + (await part(size - TAIL_BYTES, TAIL_BYTES));
    } finally {
        await file.close();
    }
}

function patch(manager) {
    const own = manager.prototype.getTrialFile;
    manager.prototype.getTrialFile = async function (trial, name) {
        if (!Object.hasOwn(TEXTS, name)) {
            return own.call(this, trial, name);
        }
        const job = await this.dataStore.getTrialJob(trial).catch(() => undefined);
        if (job === undefined) {
            throw new Error(`there is no trial ${trial}`);
        }
        const folder = await folderOf(this.trainingService, trial, job.status === 'RUNNING');
        if (folder === null) {
            return `Trial ${trial} has written nothing yet (${job.status}).\n`;
        }
        const parts = await Promise.all(TEXTS[name].map((file) => textOf(path.join(folder, file))));
        const said = parts.join('');
        const word = ENDED[job.status];
        const unsaid = name === 'trial.log' && word !== undefined && !new RegExp(`^${word}\\b`, 'm').test(said);
        return unsaid ? `${said}${word}\n` : said;
    };
}

onLoad(/nnimanager(\.js)?$/, 'NNIManager', patch);

// The page also shows the log of a tuner's process. Here the launcher is the tuner, and that is its log.
onLoad(/^express$/, null, (express) => {
    const files = express.static;
    express.static = (root, options) => {
        const serve = files(root, options);
        return async (request, response, next) => {
            if (root !== global.nni.paths.logDirectory || request.path !== '/dispatcher.log') {
                serve(request, response, next);
                return;
            }
            const run = path.dirname(global.nni.args.experimentsDirectory);
            response.type('text').send((await textOf(path.join(run, 'nni.log'))) || 'Nothing has been said.\n');
        };
    };
});
