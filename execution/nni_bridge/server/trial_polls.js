// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0 looks every half second which trials have ended and
// whether one waits to be started: between two trials it takes two such looks, most of a second in which nothing is
// trained. Here it looks more often; a look costs a pass over the trials that run. For services that it asks over the
// network it waits 5 seconds, and still does.
'use strict';

const { onLoad } = require('./preload.js');

const ITS_OWN = 0.5;
const SECONDS = 0.05;

function patch(manager) {
    const manage = manager.prototype.manageTrials;
    manager.prototype.manageTrials = async function () {
        if (this.pollInterval === ITS_OWN) {
            this.pollInterval = SECONDS;
        }
        await manage.call(this);
    };
}

onLoad(/(^|\/)nnimanager(\.js)?$/, 'NNIManager', patch);
