// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0 keeps a list of all experiments of a user in the home,
// which grows without end and may not be writable; and its page, which shows one experiment, stays blank until it has
// found that one there. Here the server knows its own experiment, and no list is read or written.
'use strict';

const { onLoad } = require('./preload.js');

function patch(manager) {
    let own = null;
    const info = () => {
        const { experimentId, port, mode, experimentsDirectory, urlPrefix } = global.nni.args;
        own = own ?? {
            id: experimentId, port, startTime: Date.now(), endTime: 'N/A', status: 'INITIALIZED', platform: mode,
            experimentName: '', tag: [], pid: process.pid, webuiUrl: [], logDir: experimentsDirectory,
            prefixUrl: urlPrefix ?? null,
        };
        return own;
    };
    manager.prototype.getExperimentsInfo = async () => [{ ...info() }];
    manager.prototype.setExperimentInfo = (_, name, value) => {
        info()[name] = value;
    };
}

onLoad(/(^|\/)manager(\.js)?$/, 'ExperimentsManager', patch);
