// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0 looks every half second which trials have ended and
// whether one waits to be started: between two trials it takes two such looks, most of a second in which nothing is
// trained. Here it looks more often; a look costs a pass over the trials that run.
'use strict';

const { onLoad } = require('./preload.js');

const SECONDS = 0.05;

function patch(manager) {
    const manage = manager.prototype.manageTrials;
    manager.prototype.manageTrials = async function () {
        this.pollInterval = Math.min(this.pollInterval, SECONDS);
        await manage.call(this);
    };
}

onLoad(/(^|\/)nnimanager(\.js)?$/, 'NNIManager', patch);
